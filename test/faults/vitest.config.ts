import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    reporters: ['default', './table.ts', '../support/closing-line.ts'],
    pool: 'forks',
    maxWorkers: 5, // a file is one stand, whose faults come one after the other; most of the time is spent waiting
    testTimeout: 150_000,
    experimental: { viteModuleRunner: false },
  },
})
