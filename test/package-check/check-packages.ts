import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// Checks what npm would publish in the way of those who install it: packed, linted, installed, imported and run.

const PACKAGES = ['risc-set', 'risc-outbox', 'risc-worker']

const execute = promisify(execFile)
const packages = fileURLToPath(new URL('../../packages', import.meta.url))
const tools = fileURLToPath(new URL('../node_modules/.bin', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'risc-packages-'))
let problems = 0

try {
  await check('pack', pack)
  const tarballs = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  for (const tarball of tarballs) {
    const { size } = await stat(join(folder, tarball))
    console.log(`  ${tarball} ${(size / 1024).toFixed(1)} KB`)
    await check(`publint ${tarball}`, () => run('publint', ['--strict', tarball]))
    await check(`attw ${tarball}`, () => run('attw', ['--profile', 'esm-only', tarball]))
  }
  await check('install', () => install(tarballs))
  for (const name of PACKAGES) {
    await check(`import ${name}`, () => run(process.execPath, ['--eval', `import('${name}')`]))
  }
  await check('risc-worker --help', () => run(join(folder, 'node_modules', '.bin', 'risc-worker'), ['--help']))
} finally {
  await rm(folder, { recursive: true })
}
process.exitCode = problems === 0 ? 0 : 1

async function check(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
    console.log(`ok      ${what}`)
  } catch (error) {
    problems++
    console.log(`FAILED  ${what}\n${outputOf(error)}`)
  }
}

/** Stale files in `dist` would be packed too. */
async function pack(): Promise<void> {
  for (const name of await readdir(packages)) await rm(join(packages, name, 'dist'), { recursive: true, force: true })
  await run('pnpm', ['--dir', packages, '--filter', './*', 'pack', '--pack-destination', folder])
}

async function install(tarballs: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.map((tarball) => `file:${tarball}`)])
}

/** Runs a program in the folder where the tarballs are, with this Node and this workspace's tools before any others. */
async function run(program: string, flags: readonly string[]): Promise<void> {
  const path = [tools, process.env['PATH']].join(delimiter)
  await execute(program, flags, { cwd: folder, env: { ...process.env, PATH: path } })
}

function outputOf(error: unknown): string {
  const { stdout, stderr } = error as { stdout?: string; stderr?: string }
  return [stdout, stderr].join('').trim() || String(error)
}
