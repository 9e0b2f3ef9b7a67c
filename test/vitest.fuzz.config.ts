import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    dir: 'fuzz',
    globalSetup: './support/global-setup.ts',
    setupFiles: './support/silence.ts',
    reporters: ['default', './support/closing-line.ts'],
    pool: 'forks',
    maxWorkers: 2, // a target computes all the time
    testTimeout: 300_000, // each case has a deadline of its own
    experimental: { viteModuleRunner: false }, // Node runs the sources, as it does for everybody else
  },
})
