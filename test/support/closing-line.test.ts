import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const files = {
  'tests.test.js': `
    test('passes', () => {})
    test('fails', () => { throw new Error('as it should') })
    test.skip('is skipped', () => {})
    describe('a hook', () => {
      beforeAll(() => { throw new Error('fails') })
      test('and so this never runs', () => {})
    })`,
  'broken.test.js': `import './nowhere.js'`,
}

test('the closing line counts what fails, be it a test, a hook or a file; and the run exits 1', async ({
  onTestFinished,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'closing-line-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)

  const { code, stdout } = await runVitest(['--root', folder, '--globals'])
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 passed, 3 failed')
  expect(code).toBe(1)
})

function runVitest(flags: string[]): Promise<{ code: unknown; stdout: string }> {
  const vitest = fileURLToPath(new URL('../vitest.mjs', import.meta.resolve('vitest')))
  const reporter = fileURLToPath(new URL('closing-line.ts', import.meta.url))
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [vitest, 'run', '--reporter', 'default', '--reporter', reporter, ...flags],
      (error, stdout) => resolve({ code: error?.code ?? 0, stdout }),
    )
  })
}
