import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { runFirstExample } from './first-example.ts'
import { type Manifest, problemsOfSbom } from './sbom.ts'

// Checks what npm would publish in the way of those who install it: packed, linted, installed, imported and run. With
// --out <folder>, what passed is left there, each package with its bill of materials.

const PACKAGES = ['risc-set', 'risc-outbox', 'risc-worker']

const SBOM = ['--sbom-format', 'cyclonedx', '--sbom-spec-version', '1.6', '--prod']

const execute = promisify(execFile)
const { out } = parseArgs({ options: { out: { type: 'string' } } }).values
const packages = fileURLToPath(new URL('../../packages', import.meta.url))
const tools = fileURLToPath(new URL('../node_modules/.bin', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'risc-packages-'))
let problems = 0

try {
  await check('pack', pack)
  const manifests = await readManifests()
  await check('one version', () => refuse(problemsOfVersions(manifests)))
  const tarballs = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  for (const tarball of tarballs) {
    const { size } = await stat(join(folder, tarball))
    console.log(`  ${tarball} ${(size / 1024).toFixed(1)} KB`)
    await check(`README and LICENSE in ${tarball}`, () => lookFor(tarball, ['README.md', 'LICENSE']))
    await check(`publint ${tarball}`, () => run('publint', ['--strict', tarball]))
    await check(`attw ${tarball}`, () => run('attw', ['--profile', 'esm-only', tarball]))
  }
  for (const manifest of manifests) {
    await check(`bill of materials of ${manifest.name}`, async () => {
      const file = join(folder, `${manifest.name}-${manifest.version}.cdx.json`)
      await run('pnpm', ['--dir', packages, '--filter', manifest.name, 'sbom', ...SBOM, '--out', file])
      refuse(await problemsOfSbom(await readFile(file, 'utf8'), manifest))
    })
  }
  await check('install', () => install(tarballs))
  for (const name of PACKAGES) {
    await check(`import ${name}`, () => run(process.execPath, ['--eval', `import('${name}')`]))
  }
  await check('risc-worker --help', () => run(join(folder, 'node_modules', '.bin', 'risc-worker'), ['--help']))
  await check("the README's first example", () => runFirstExample(folder))
  if (out !== undefined && problems === 0) await hand(out)
} finally {
  await rm(folder, { recursive: true })
}
process.exitCode = problems === 0 ? 0 : 1

async function check(what: string, work: () => Promise<void> | void): Promise<void> {
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

async function readManifests(): Promise<readonly Manifest[]> {
  const files = PACKAGES.map((name) => join(packages, name.replace('risc-', ''), 'package.json'))
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Manifest))
}

function problemsOfVersions(manifests: readonly Manifest[]): readonly string[] {
  const versions = new Set(manifests.map(({ version }) => version))
  return versions.size === 1 ? [] : [`all three share one version, but there are ${[...versions].join(', ')}`]
}

async function lookFor(tarball: string, files: readonly string[]): Promise<void> {
  const { stdout } = await execute('tar', ['-tzf', join(folder, tarball)])
  const packed = stdout.split('\n')
  refuse(files.filter((file) => !packed.includes(`package/${file}`)).map((file) => `${file} is missing`))
}

function refuse(found: readonly string[]): void {
  if (found.length > 0) throw new Error(found.join('\n'))
}

async function hand(to: string): Promise<void> {
  for (const file of await readdir(folder)) {
    if (/\.(tgz|cdx\.json)$/.test(file)) await copyFile(join(folder, file), join(to, file))
  }
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
