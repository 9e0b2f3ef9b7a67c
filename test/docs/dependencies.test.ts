import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const manifestOf = (name: string): Manifest => JSON.parse(read(`packages/${name.replace('risc-', '')}/package.json`))

/** The rows of the README's table of dependencies: package, what it brings, for what. */
function tableOfDependencies(): readonly (readonly string[])[] {
  const [, section = ''] = /\n## Dependencies\n(.*?)(\n## |$)/s.exec(read('README.md')) ?? []
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/^\| (package|---)/.test(line))
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  )
}

test('every run-time dependency has its reason in the README, and nothing else has', () => {
  const brought = new Map<string, string[]>()
  let current = ''
  for (const [name = '', brings = '', reason = ''] of tableOfDependencies()) {
    current = name || current
    expect(reason, brings).not.toBe('')
    const names = brings.split(/[,;]/).map((one) => one.replace(/ as a peer$/, '').trim())
    brought.set(current, [...(brought.get(current) ?? []), ...names])
  }
  expect([...brought.keys()]).toEqual(['risc-set', 'risc-outbox', 'risc-worker'])
  for (const [name, names] of brought) {
    const { dependencies, peerDependencies, optionalDependencies } = manifestOf(name)
    const installed = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
    expect(names.toSorted(), name).toEqual(installed.toSorted())
  }
})

test('nothing runs when a package is installed', () => {
  for (const name of ['risc-set', 'risc-outbox', 'risc-worker']) {
    const scripts = Object.keys(manifestOf(name).scripts ?? {})
    expect(
      scripts.filter((script) => /^(pre|post)?install$|^prepare$/.test(script)),
      name,
    ).toEqual([])
  }
})

test('workflows use actions by commit, say which version it is, and give nobody a right by default', () => {
  for (const workflow of ['ci.yml', 'publish.yml']) {
    const text = read(`.github/workflows/${workflow}`)
    const uses = text.match(/uses: .*/g) ?? []
    expect(uses.length, workflow).toBeGreaterThan(0)
    for (const one of uses) expect(one).toMatch(/^uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    expect(text, workflow).toMatch(/^permissions:( \{\}|\n {2}contents: read)$/m)
    expect(text, workflow).not.toContain('secrets.')
  }
})
