import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { Outbox } from 'risc-outbox'
import { newOutbox } from './new-outbox.ts'
import type { Work } from './rounds.ts'

const USERS = 10_000
const STREAMS = 20

/** An IdP's table and 20 streams; each user is known to one of them. */
export async function prepareUsers(client: Client): Promise<void> {
  await client.query(`
    create table users (id text primary key, disabled boolean not null default false);
    insert into users (id) select 'u-' || n from generate_series(0, ${USERS - 1}) n;
    insert into risc.streams (id, endpoint_url, audience)
      select 'stream-' || n, 'https://receiver.example/events', array['https://receiver.example']
      from generate_series(0, ${STREAMS - 1}) n;
    insert into risc.subjects (user_id, stream_id, subject)
      select 'u-' || n, 'stream-' || n % ${STREAMS},
        jsonb_build_object('format', 'iss_sub', 'iss', 'https://idp.example/', 'sub', md5(n::text))
      from generate_series(0, ${USERS - 1}) n`)
  await client.query('vacuum analyze')
}

/** The same change of a user with what is to be compared, on connections of their own. */
export async function compareEnqueue(clients: readonly Client[]): Promise<{ works: Work[]; setBytes: number }> {
  const outbox = await newOutbox()
  const [first] = clients
  if (first === undefined) throw new TypeError('there must be a connection')
  const sample = await record(outbox, first)

  const inTransaction = (name: string, work: (client: Client, n: number) => Promise<unknown>): Work => ({
    name,
    async once(connection) {
      const client = clients[connection] ?? first
      const n = Math.floor(Math.random() * USERS)
      await client.query('begin')
      await client.query('update users set disabled = not disabled where id = $1', [`u-${n}`])
      await work(client, n)
      await client.query('commit')
    },
  })
  const works = [
    inTransaction('a: insert by hand', (client, n) => insertByHand(client, n, sample.delivery)),
    inTransaction('b: statements of enqueue', (client, n) => replay(client, n, sample)),
    inTransaction('c: enqueue, RS256', (client, n) => outbox.enqueue(client, eventOf(n))),
    inTransaction('d: insert by hand, add_job', async (client, n) => {
      await insertByHand(client, n, sample.delivery)
      await client.query("select risc_worker.add_job('risc.deliver', $1)", [JSON.stringify(n)])
    }),
  ]
  return { works, setBytes: sample.delivery.signed_set.length }
}

interface Delivery {
  readonly stream_id: string
  readonly jti: string
  readonly txn: string
  readonly event_type: string
  readonly kid: string
  readonly signed_set: string
}

/** What `enqueue` sent for user 0. */
interface Sample {
  readonly askText: string
  readonly askValue: string
  readonly recordText: string
  readonly delivery: Delivery
}

function eventOf(n: number) {
  return { type: 'account-disabled', user: `u-${n}`, reason: 'hijacking' } as const
}

async function record(outbox: Outbox, client: Client): Promise<Sample> {
  const sent: { text: string; values: unknown[] }[] = []
  await client.query('begin')
  const query = (text: string, values: unknown[]) => {
    sent.push({ text, values })
    return client.query(text, values)
  }
  await outbox.enqueue({ query }, eventOf(0))
  await client.query('rollback')
  const [asked, recorded, ...more] = sent
  if (asked === undefined || recorded === undefined || more.length > 0) throw new Error('enqueue is two statements')
  const [delivery] = JSON.parse(String(recorded.values[1]))
  return { askText: asked.text, askValue: String(asked.values[0]), recordText: recorded.text, delivery }
}

async function insertByHand(client: Client, n: number, { event_type, kid, signed_set }: Delivery): Promise<void> {
  await client.query(
    'insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set) values ($1, $2, $3, $4, $5, $6)',
    [`stream-${n % STREAMS}`, randomUUID(), randomUUID(), event_type, kid, signed_set],
  )
}

async function replay(client: Client, n: number, { askText, askValue, recordText, delivery }: Sample): Promise<void> {
  const { rows } = await client.query(askText, [askValue.replace('"u-0"', `"u-${n}"`)])
  const { stream_id, transaction_name } = JSON.parse(rows[0].recipient)
  const record = [{ ...delivery, stream_id, jti: randomUUID(), txn: randomUUID() }]
  await client.query(recordText, [transaction_name, JSON.stringify(record)])
}
