import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: './support/global-setup.ts',
    reporters: ['default', './support/closing-line.ts'],
    exclude: [...configDefaults.exclude, 'faults/**', 'fuzz/**'], // minutes, not seconds: `pnpm test:faults`, `test:fuzz`
    setupFiles: './support/silence.ts',
    pool: 'forks',
    maxWorkers: 4, // the tests wait more than they compute
    testTimeout: 30_000,
    experimental: { viteModuleRunner: false }, // Node runs the sources, as it does for everybody else
  },
})
