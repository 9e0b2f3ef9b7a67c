import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    dir: 'faults',
    reporters: ['default', './faults/table.ts', './support/closing-line.ts'],
    setupFiles: './support/silence.ts',
    pool: 'forks',
    maxWorkers: 5, // a file is one stand, whose faults come one after the other; most of the time is spent waiting
    testTimeout: 300_000, // every wait within a test has a deadline of its own,
    experimental: { viteModuleRunner: false }, // Node runs the sources, as it does for everybody else
  },
})
