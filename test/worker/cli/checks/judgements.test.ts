import { generateKeyPairSync } from 'node:crypto'
import { loadSigningKeys } from 'risc-set'
import { expect, test } from 'vitest'
import { judgeKeys } from '../../../../packages/worker/src/cli/checks/keys.ts'
import { mapAtMost } from '../../../../packages/worker/src/cli/checks/map-at-most.ts'
import { judgeClock, judgeServer, judgeSnapshot } from '../../../../packages/worker/src/cli/checks/server.ts'
import type { KeyUsage } from '../../../../packages/worker/src/cli/queries/keys.ts'

test.each([
  [140_018, 'problem', 'PostgreSQL 14'],
  [150_000, 'ok', 'answers'],
  [180_004, 'ok', 'answers'],
  [190_000, 'warning', 'newer than any'],
])('a server of version %i is %s', (version_number, level, words) => {
  const finding = judgeServer({ version: 'x', version_number, read_only: false })
  expect(finding).toMatchObject({ level, finding: expect.stringContaining(words) })
})

test('a server that only reads is a problem', () => {
  expect(judgeServer({ version: '18.0', version_number: 180_000, read_only: true })).toMatchObject({ level: 'problem' })
})

test.each([
  [0, 'ok', 'agrees'],
  [1000, 'ok', 'agrees'],
  [1001, 'warning', '1.0 s behind'],
  [-1001, 'warning', '1.0 s ahead of'],
  [3_600_000, 'warning', '3600.0 s behind'],
])('a database whose clock is %i ms ahead is %s', (ahead, level, words) => {
  const asked = 1_800_000_000_000
  expect(judgeClock(asked + ahead, { asked, answered: asked })).toMatchObject({
    level,
    finding: expect.stringContaining(words),
  })
})

test('how long the database takes to answer is no difference of clocks', () => {
  expect(judgeClock(5000, { asked: 0, answered: 9000 })).toMatchObject({ level: 'ok' })
})

test('a transaction that is open for long is warned of, and what cannot be seen is said', () => {
  const oldest = (age_seconds: number) => ({ holder: 'process 42', age_seconds })
  expect(judgeSnapshot(oldest(7200), true)).toMatchObject({
    level: 'warning',
    finding: expect.stringMatching(/^process 42 has been open for 2h/),
  })
  expect(judgeSnapshot(oldest(60), true)).toMatchObject({ level: 'ok', finding: 'none is open for long' })
  expect(judgeSnapshot(undefined, false)).toMatchObject({ level: 'ok', finding: expect.stringContaining('grant it') })
})

const jwk = (kid: string) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid,
})
const keys = await loadSigningKeys({ keys: [jwk('new'), jwk('old')] })

const usage = (kid: string, facts: Partial<KeyUsage> = {}): KeyUsage => ({
  kid,
  unsettled: 0,
  dead: 0,
  accepted_recently: 0,
  last_accepted_at: null,
  needed_until: null,
  retired_at: null,
  in_use_again: false,
  ...facts,
})

test.each([
  ['a set that has all keys', [usage('old', { unsettled: 3 }), usage('new')], 'ok', 'new signs'],
  ['a retired key that signs', [usage('new', { retired_at: new Date() })], 'problem', 'new signs and is retired'],
  [
    'a key that waiting SETs need',
    [usage('lost', { unsettled: 2 })],
    'problem',
    'lost is not in the set, and 2 unsettled',
  ],
  ['a key that only dead letters need', [usage('lost', { dead: 2 })], 'warning', 'lost is not in the set'],
  ['a key that accepted SETs may need', [usage('lost', { accepted_recently: 2 })], 'warning', 'lost is not in the set'],
  ['a retired key that nothing needs', [usage('lost', { retired_at: new Date() })], 'ok', 'new signs'],
] as const)('%s', (_, used, level, words) => {
  expect(judgeKeys(used, keys)).toMatchObject([{ level, finding: expect.stringContaining(words) }])
})

test('without the keys, a retired key in use again is seen all the same', () => {
  expect(judgeKeys([usage('old', { retired_at: new Date(), in_use_again: true })], undefined)).toMatchObject([
    { level: 'problem', finding: 'key old is retired and in use again' },
  ])
  expect(judgeKeys([usage('old', { unsettled: 1 })], undefined)).toMatchObject([{ level: 'ok' }])
})

test('no more are under way than allowed, and results keep the order of the items', async () => {
  let underWay = 0
  let most = 0
  const results = await mapAtMost([5, 1, 4, 2, 3, 0], 2, async (ms) => {
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setTimeout(resolve, ms))
    underWay--
    return ms
  })
  expect(results).toEqual([5, 1, 4, 2, 3, 0])
  expect(most).toBe(2)
})
