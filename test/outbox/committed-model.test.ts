import fc from 'fast-check'
import type { PoolClient } from 'pg'
import { expect } from 'vitest'
import { type Idp, test } from './idp.ts'

const STREAMS = ['a', 'b']

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('enqueue'), user: fc.nat(1), count: fc.integer({ min: 1, max: 2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('link', 'unlink'), user: fc.nat(1), stream: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('savepoint', 'rollback to', 'release') }) },
)
const transaction = fc.record({ steps: fc.array(step, { maxLength: 10 }), commits: fc.boolean() })

type Step = Partial<{ do: string; user: number; stream: number; count: number }>

/** What the database should hold: the links there are, and the deliveries recorded. */
interface Model {
  readonly links: ReadonlySet<string>
  readonly jtis: readonly string[]
}

test('whatever is rolled back, the deliveries are those of the links and events that committed', async ({ idp }) => {
  for (const streamId of STREAMS) await idp.addStream(streamId)
  await fc.assert(
    fc.asyncProperty(fc.array(transaction, { maxLength: 4 }), async (transactions) => {
      await idp.pool.query('truncate risc.deliveries, risc.subjects')
      let committed: Model = { links: new Set(), jtis: [] }
      for (const { steps, commits } of transactions) {
        const model = await idp.connection(async (client) => {
          await client.query('begin')
          const foretold = await take(steps, committed, idp, client)
          await client.query(commits ? 'commit' : 'rollback')
          return foretold
        })
        if (commits) committed = model
      }
      expect((await idp.deliveries()).map((row) => row.jti)).toEqual(committed.jtis)
    }),
    { numRuns: 40 },
  )
})

/** Does the steps, and foretells of each what comes of it. */
async function take(steps: readonly Step[], start: Model, idp: Idp, trx: PoolClient): Promise<Model> {
  const savepoints: Model[] = []
  let model = start
  for (const { do: what, user = 0, stream = 0, count = 1 } of steps) {
    const link = { user: `u-${user}`, streamId: STREAMS[stream] ?? '' }
    const name = `${link.user} ${link.streamId}`
    switch (what) {
      case 'enqueue': {
        const event = { type: 'account-purged', user: link.user } as const
        const { deliveries } = await idp.outbox.enqueue(trx, Array(count).fill(event))
        const told = STREAMS.filter((streamId) => model.links.has(`${link.user} ${streamId}`))
        expect(deliveries.map(({ streamId }) => streamId)).toEqual(Array(count).fill(told).flat())
        model = { ...model, jtis: [...model.jtis, ...deliveries.map(({ jti }) => jti)] }
        break
      }
      case 'link':
        await idp.outbox.link(trx, { ...link, subject: { format: 'opaque', id: name } })
        model = { ...model, links: new Set([...model.links, name]) }
        break
      case 'unlink':
        expect(await idp.outbox.unlink(trx, link)).toBe(model.links.has(name))
        model = { ...model, links: new Set([...model.links].filter((one) => one !== name)) }
        break
      case 'savepoint':
        await trx.query(`savepoint s${savepoints.push(model)}`)
        break
      case 'rollback to':
        if (savepoints.length > 0) await trx.query(`rollback to savepoint s${savepoints.length}`)
        model = savepoints.at(-1) ?? model
        break
      case 'release':
        if (savepoints.length > 0) await trx.query(`release savepoint s${savepoints.length}`)
        savepoints.pop()
        break
    }
  }
  return model
}
