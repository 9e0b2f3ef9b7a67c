import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SETTING_NAMES } from '../../packages/worker/src/config.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test("the README's first example is the beginning of the file that it names", () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(read('README.md')) ?? []
  expect(example).toContain('outbox.enqueue')
  expect(read('examples/first-event/first-event.ts').startsWith(example)).toBe(true)
})

test.each(['packages/outbox/README.md', 'packages/outbox/src/outbox.ts'])(
  'the loop around resign that %s shows is the one that is tested',
  (document) => {
    const [, tested = ''] = /\n( {2}const resign .*?\n {2}\})\n/s.exec(read('test/outbox/resign-loop.ts')) ?? []
    expect(tested).toContain('while (')
    const shown = read(document).replaceAll(/^ +\* /gm, '')
    expect(shown).toContain(tested.replaceAll(/^ {2}/gm, ''))
  },
)

test.each([
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'packages/set/README.md',
  'packages/outbox/README.md',
  'packages/worker/README.md',
  'examples/deploy/README.md',
  'examples/observability/README.md',
])('every file that %s points at is there', (document) => {
  const links = [...read(document).matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link)
  const folder = new URL(`../../${document}`, import.meta.url)
  for (const link of links) expect(() => readFileSync(new URL(link, folder)), link).not.toThrow(/ENOENT/)
})

test.each([
  ['ARCHITECTURE.md', 30],
  ['SECURITY.md', 10],
])("every promise of %s is a test's name, in the file that it points at", (document, least) => {
  const promises = [...read(document).matchAll(/\[([^\]]+)\]\((test\/\S+\.ts)\)/g)]
  expect(promises.length).toBeGreaterThan(least)
  for (const [, name = '', file = ''] of promises) {
    if (name !== 'crash matrix') expect(read(file), file).toContain(name)
  }
})

test.each(['set', 'outbox', 'worker'])('each promise of the README of %s is the name of a test', (name) => {
  const promises =
    read(`packages/${name}/README.md`)
      .split('## Promises')[1]
      ?.match(/^- .+$/gm) ?? []
  const source = [name, ...(name === 'worker' ? ['roles'] : [])].map(readTests).join('')
  expect(promises.length).toBeGreaterThan(10)
  expect(promises.filter((promise) => !["'", '"'].some((quote) => source.includes(quote + promise.slice(2))))).toEqual(
    [],
  )
})

function readTests(folder: string): string {
  const files = readdirSync(new URL(`../${folder}`, import.meta.url), { recursive: true, encoding: 'utf8' })
  const tests = files.filter((file) => file.endsWith('.test.ts'))
  return tests.map((file) => read(`test/${folder}/${file}`)).join('')
}

test('every setting of a worker has a line in the table of its README', () => {
  const [, table = ''] = /\n## Settings\n(.*?)\n## /s.exec(read('packages/worker/README.md')) ?? []
  expect(SETTING_NAMES).toContain('DATABASE_URL')
  expect(SETTING_NAMES.filter((name) => !table.includes(`| \`${name}\` |`))).toEqual([])
})
