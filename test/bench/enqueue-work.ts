import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { Outbox } from 'risc-outbox'
import { buildClaims, newJti, resolveEvent, type SigningKeys, signSet } from 'risc-set'
import { ISSUER, newKeys, newOutbox } from './new-outbox.ts'
import type { Contender } from './peers/contender.ts'
import type { Contenders } from './peers/open-contenders.ts'
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

/** What is compared, by the names in the table. */
export const works = {
  hand: 'insert by hand',
  signed: 'insert by hand, RS256',
  statements: 'statements of enqueue',
  enqueue: 'enqueue, RS256',
  addJob: 'add_job, RS256',
  addJobUnsigned: 'add_job',
  pgBoss: 'pg-boss send by Kysely, RS256',
  bullMq: 'BullMQ after the commit, RS256',
  original: 'the original’s pattern, RS256',
} as const

/** The same change of a user with what is to be compared, on connections of their own. */
export async function compareEnqueue(
  clients: readonly Client[],
  { graphile, pgBossWorkers, bullMq, original }: Contenders,
): Promise<{ compared: Work[]; setBytes: number }> {
  const keys = await newKeys()
  const outbox = await newOutbox(keys)
  const [first] = clients
  if (first === undefined) throw new TypeError('there must be a connection')
  const sample = await record(outbox, first)

  const inTransaction = (name: string, work: Step, after?: Step): Work => ({
    name,
    async once(connection) {
      const client = clients[connection] ?? first
      const n = Math.floor(Math.random() * USERS)
      await client.query('begin')
      await client.query('update users set disabled = not disabled where id = $1', [`u-${n}`])
      await work(client, n)
      await client.query('commit')
      await after?.(client, n)
    },
  })
  /** Whoever can record nothing before the commit signs before it too, as an IdP would. */
  const byContender = (name: string, { record, afterCommit }: Contender, sign = signFor(keys)): Work => {
    const step: Step = async (client, n) =>
      record(client, { streamId: streamOf(n), url: URL_OF_ALL, body: await sign(n) })
    return afterCommit ? inTransaction(name, async () => undefined, step) : inTransaction(name, step)
  }
  const compared = [
    inTransaction(works.hand, (client, n) => insertByHand(client, n, sample.delivery)),
    inTransaction(works.signed, async (client, n) =>
      insertByHand(client, n, { ...sample.delivery, signed_set: await signFor(keys)(n) }),
    ),
    inTransaction(works.statements, (client, n) => replay(client, n, sample)),
    inTransaction(works.enqueue, (client, n) => outbox.enqueue(client, eventOf(n))),
    byContender(works.addJob, graphile),
    byContender(works.addJobUnsigned, graphile, async () => sample.delivery.signed_set),
    byContender(works.pgBoss, pgBossWorkers),
    ...(bullMq ? [byContender(works.bullMq, bullMq)] : []),
    byContender(works.original, original),
  ]
  return { compared, setBytes: sample.delivery.signed_set.length }
}

type Step = (client: Client, n: number) => Promise<unknown>

const URL_OF_ALL = 'https://receiver.example/events'

const streamOf = (n: number): string => `stream-${n % STREAMS}`

/** The same signature that `enqueue` makes. */
function signFor(keys: SigningKeys): (n: number) => Promise<string> {
  return async (n) => {
    const claims = buildClaims({
      profile: 'ssf',
      issuer: ISSUER,
      audience: ['https://receiver.example'],
      jti: newJti(),
      txn: newJti(),
      issuedAt: new Date(),
      event: resolveEvent({ type: 'account-disabled', reason: 'hijacking' }),
      subject: { format: 'iss_sub', iss: ISSUER, sub: `subject-${n}` },
    })
    const { jwt } = await signSet(claims, keys)
    return jwt
  }
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
    [streamOf(n), randomUUID(), randomUUID(), event_type, kid, signed_set],
  )
}

async function replay(client: Client, n: number, { askText, askValue, recordText, delivery }: Sample): Promise<void> {
  const { rows } = await client.query(askText, [askValue.replace('"u-0"', `"u-${n}"`)])
  const { stream_id, transaction_name } = JSON.parse(rows[0].recipient)
  const record = [{ ...delivery, stream_id, jti: newJti(), txn: newJti() }]
  await client.query(recordText, [transaction_name, JSON.stringify(record)])
}
