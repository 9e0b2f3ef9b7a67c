import type { Pool } from 'pg'
import { bindClientKey, bindCredential, type CredentialUse } from '../../packages/worker/src/credential-binding.ts'
import { openSealed, sealCredential } from '../../packages/worker/src/sealed-credential.ts'
import { TEST_KEY, TEST_KEYS } from './test-keys.ts'

/** A pool, or a client that has a transaction open. */
type Queryable = Pick<Pool, 'query'>

const PARTNER = 'https://partner.example/events'

/** A stream for tests: what is not told is the table's default, but for the rate, which is no limit. */
export interface StreamRow {
  readonly id: string
  readonly endpoint_url?: string
  readonly audience?: readonly string[]
  readonly max_in_flight?: number
  readonly timeout_ms?: number
  readonly retry_delays_ms?: readonly number[]
  readonly max_age?: string
  readonly status?: string
  readonly ordering?: 'subject' | 'none'
  readonly unproven?: boolean
  readonly rate_limit?: number
  readonly rate_interval?: string
  readonly profile?: string
  /** As it is sent: the row gets it sealed, and so the key. */
  readonly credential?: string
  /** How access tokens are got, as JSON. */
  readonly token_request?: string
  /** The receiver's public JWK, as JSON. */
  readonly encryption_key?: string
  readonly allowed_networks?: readonly string[]
  readonly allowed_ports?: readonly number[]
  readonly ca_certificates?: string
  readonly client_certificate?: string
  readonly client_private_key?: string
}

/** Unless it is `unproven`, its receiver has answered often enough to have its whole window. */
export async function addStream(pool: Pool, { unproven = false, ...stream }: StreamRow): Promise<void> {
  const row = {
    endpoint_url: PARTNER,
    audience: ['https://partner.example'],
    rate_limit: 1_000_000,
    ...stream,
    ...(await sealed(stream)),
  }
  const columns = Object.keys(row)
  const places = columns.map((_, index) => `$${index + 1}`)
  await pool.query(`insert into risc.streams (${columns}) values (${places})`, Object.values(row))
  if (!unproven) await pool.query('update risc.flow set ramp = 10000 where stream_id = $1', [stream.id])
}

async function sealed({ id, endpoint_url = PARTNER, token_request, credential, client_private_key }: StreamRow) {
  const tokenEndpoint = token_request && JSON.parse(token_request).token_endpoint
  const binding = bindCredential(id, { endpointUrl: endpoint_url, tokenEndpoint })
  return {
    ...(credential !== undefined && { credential: await sealCredential(credential, binding, TEST_KEY) }),
    ...(client_private_key !== undefined && {
      client_private_key: await sealCredential(client_private_key, bindClientKey(id), TEST_KEY),
    }),
  }
}

/** Streams `many-000` and so on that have answered well so far, each with a delivery that is due. */
export async function addManyStreams(pool: Pool, count: number): Promise<void> {
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience, rate_limit)
     select 'many-' || lpad(n::text, 3, '0'), $2, '{https://partner.example}', 1000000
     from generate_series(0, $1::integer - 1) n`,
    [count, PARTNER],
  )
  await pool.query(`update risc.flow set ramp = 10000 where stream_id like 'many-%'`)
  await pool.query(`insert into risc.deliveries (stream_id, jti, txn, event_type, kid, signed_set)
    select id, md5(id), 'txn-1', 'https://events.example/changed', 'key-1', 'head.' || id || '.0'
    from risc.streams where id like 'many-%'`)
}

/**
 * Deliveries as `enqueue` writes them, oldest first, with a stand-in for the SET. Returns their `jti`s.
 *
 * @param user whom all of them are about, as a number; by default, about somebody else each
 */
export async function addDeliveries(pool: Queryable, streamId: string, count = 1, user?: number): Promise<string[]> {
  const { rows } = await pool.query<{ jti: string }>(
    `insert into risc.deliveries (stream_id, jti, txn, event_type, kid, order_key, signed_set)
     select $1, md5($1 || n || random()), 'txn-1', 'https://events.example/changed', 'key-1', $3, 'head.' || $1 || '.' || n
     from generate_series(1, $2::integer) n returning jti`,
    [streamId, count, user],
  )
  return rows.map(({ jti }) => jti)
}

/** A worker as its heartbeat leaves it, in a fleet that has been busy unless it is `rested`. Returns its id. */
export async function addWorker(pool: Pool, { slots = 100, silentFor = '0 s', rested = false } = {}): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into risc.workers (id, name, slots, beat_at) values (gen_random_uuid(), 'test', $1, now() - $2::interval) returning id`,
    [slots, silentFor],
  )
  if (!rested) await pool.query(`select setval('risc.lately_in_flight', 10000)`)
  return rows[0]?.id ?? ''
}

/** One pass of the dispatcher. Returns how many deliveries it handed over. */
export async function dispatch(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ handed: number }>('select handed from risc.dispatch()')
  return rows[0]?.handed ?? 0
}

/** Every ticket that is out, oldest first. */
export async function tickets(db: Queryable): Promise<number[]> {
  const { rows } = await db.query<{ ticket: string }>('select ticket from risc.inflight order by ticket')
  return rows.map(({ ticket }) => Number(ticket))
}

/** Stamps the tickets with the worker. Returns those that it got, oldest first. */
export async function claim(pool: Queryable, workerId: string, wanted: readonly number[]): Promise<number[]> {
  const { rows } = await pool.query('select ticket from risc.claim($1, $2) order by ticket', [workerId, wanted])
  return rows.map((row) => Number(row.ticket))
}

/** Records outcomes, each of the delivery that its ticket was handed out for unless it names one. Returns what was valid. */
export async function settle(
  pool: Queryable,
  outcomes: readonly Readonly<Record<string, unknown>>[],
): Promise<number[]> {
  const { rows: held } = await pool.query('select ticket, delivery_id from risc.inflight')
  const deliveryOf = new Map(held.map((row) => [Number(row.ticket), Number(row.delivery_id)]))
  const named = outcomes.map((outcome) => ({ delivery_id: deliveryOf.get(Number(outcome['ticket'])), ...outcome }))
  const { rows } = await pool.query('select risc.settle($1) as tickets', [JSON.stringify(named)])
  return rows[0].tickets.map(Number)
}

/** Gives a stream another credential, sealed for where it would be sent now. */
export async function setCredential(pool: Pool, streamId: string, credential: string): Promise<void> {
  const { rows } = await pool.query('select endpoint_url, token_request::text from risc.streams where id = $1', [
    streamId,
  ])
  const { endpoint_url, token_request } = rows[0]
  const row = await sealed({ id: streamId, endpoint_url, token_request: token_request ?? undefined, credential })
  await pool.query('update risc.streams set credential = $2 where id = $1', [streamId, row.credential])
}

/** A stream's credential, or client key, as a worker with the keys of the tests opens it for where it would be sent now. */
export async function openStored(
  pool: Pool,
  streamId: string,
  column: CredentialUse = 'credential',
): Promise<string | null> {
  const { rows } = await pool.query(
    `select endpoint_url, token_request ->> 'token_endpoint' as token_endpoint, ${column} as stored from risc.streams where id = $1`,
    [streamId],
  )
  const { endpoint_url: endpointUrl, token_endpoint, stored } = rows[0]
  if (stored === null) return null
  const tokenEndpoint = token_endpoint ?? undefined
  const binding =
    column === 'credential' ? bindCredential(streamId, { endpointUrl, tokenEndpoint }) : bindClientKey(streamId)
  const opened = await openSealed(stored, binding, TEST_KEYS)
  return opened.kind === 'opened' ? opened.value : opened.cause
}
