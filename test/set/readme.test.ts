import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const readme = readFileSync(new URL('../../packages/set/README.md', import.meta.url), 'utf8')
const promises = readme.split('## Promises')[1]?.match(/^- .+$/gm) ?? []

test('each promise of the README is the name of a test', () => {
  const tests = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  const source = tests.map((name) => readFileSync(new URL(name, import.meta.url), 'utf8')).join()
  expect(promises.length).toBeGreaterThan(10)
  expect(promises.filter((promise) => !source.includes(`'${promise.slice(2)}`))).toEqual([])
})
