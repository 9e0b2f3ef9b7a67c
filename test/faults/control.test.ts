import { expect, test } from 'vitest'
import { takeStock } from './cell.ts'
import { openStand } from './stand.ts'
import { type Arrival, judge } from './verdict.ts'

const arrival = (jti: string, hash = 'as it was', accepted = true): Arrival => ({ jti, hash, at: 0, accepted })

test('one delivery that is deleted by hand is one that the matrix reports as lost', async ({ onTestFinished }) => {
  const stand = await openStand({ proxied: false })
  onTestFinished(stand.close)
  await stand.producer.burst(20)
  await stand.db.query('delete from risc.deliveries where id = (select min(id) from risc.deliveries)')
  await stand.fleet.complete()
  expect(await takeStock(stand, { before: 0, overAt: performance.now() })).toMatchObject({
    committed: 20,
    received: 19,
    lost: 1,
    duplicates: 0,
    deliveries: 0,
    inflight: 0,
    jobs: 0,
  })
})

test('what was received and never accepted is lost', () => {
  const verdict = judge({ committed: new Set(['a']), rolledBack: new Set() }, [arrival('a', 'x', false)], new Map())
  expect(verdict).toMatchObject({ committed: 1, received: 1, lost: 1 })
})

test('a duplicate is told from one with other bytes, also of what came in an earlier cell', () => {
  const promised = { committed: new Set(['a', 'b']), rolledBack: new Set<string>() }
  const arrivals = [arrival('a'), arrival('a'), arrival('b'), arrival('b', 'altered'), arrival('c')]
  expect(judge(promised, arrivals, new Map([['c', 'as it was']]))).toMatchObject({ lost: 0, duplicates: 3, altered: 1 })
})

test('what was rolled back and arrived is reported as invented', () => {
  const promised = { committed: new Set<string>(), rolledBack: new Set(['a']) }
  expect(judge(promised, [arrival('a')], new Map())).toMatchObject({ committed: 0, invented: 1 })
})
