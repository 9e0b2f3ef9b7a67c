import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const readme = readFileSync(new URL('../../packages/set/README.md', import.meta.url), 'utf8')

/** What the examples take from the application around them. */
const around = `
  import type { SubjectIdentifier, VerifiedSet } from 'risc-set'
  declare function store(set: VerifiedSet): Promise<boolean>
  declare function disable(subject: SubjectIdentifier, reason: unknown): Promise<void>
  declare const set: VerifiedSet
`

test('the examples of the README compile', async () => {
  const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
  const compiled = examples.filter((code) => !code.includes('Fastify')) // mount.test.ts runs those
  expect(compiled).toHaveLength(3)

  const path = (to: string) => fileURLToPath(new URL(to, import.meta.url))
  const cache = path('../node_modules/.cache/') // from where risc-set is found, and no other check looks
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [index, code] of compiled.entries()) writeFileSync(join(folder, `${index}.ts`), around + code)
  const config = {
    extends: path('../tsconfig.json'),
    compilerOptions: { composite: false, declarationMap: false, noUnusedLocals: false, tsBuildInfoFile: null },
    include: ['*.ts'],
    exclude: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))

  const tsc = path('../../node_modules/typescript/bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--project', folder]).catch((error) => error)
  expect(stdout).toBe('')
})
