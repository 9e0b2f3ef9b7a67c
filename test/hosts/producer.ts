import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, generateKeyPair } from 'jose'
import type { Pool, PoolClient } from 'pg'
import { createOutbox, type Outbox } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'

/** A SET on record. */
export interface Committed {
  readonly jti: string
  readonly stream: string
  /** As `Date.now()` tells it. */
  readonly at: number
}

/** An IdP whose users change without end, next to its database. */
export interface Producer {
  readonly committed: readonly Committed[]
  /** What was rolled back: nobody may ever hear of it. */
  readonly rolledBack: ReadonlySet<string>
  /** Ends after the transaction in hand. Rejects if one has failed. */
  stop(): Promise<void>
}

const USERS = 500 // one whose last event waits keeps the next waiting: many, so that the others go on
const PAUSE_MS = 10
const ROLLS_BACK_EVERY = 25

/** Makes users known to one stream each, and begins to change them, one after the other. */
export async function startProducer(pool: Pool, streams: readonly string[]): Promise<Producer> {
  const outbox = await openOutbox()
  const committed: Committed[] = []
  const rolledBack = new Set<string>()
  const client = await pool.connect()
  await linkUsers(client, outbox, streams)

  let stopping = false
  async function produce(): Promise<void> {
    for (let n = 1; !stopping; n++) {
      const rollBack = n % ROLLS_BACK_EVERY === 0
      const deliveries = await changeUser(client, outbox, { user: `u-${n % USERS}`, rollBack })
      const at = Date.now()
      for (const { jti, streamId } of deliveries) {
        if (rollBack) rolledBack.add(jti)
        else committed.push({ jti, stream: streamId, at })
      }
      await sleep(PAUSE_MS)
    }
  }
  const produced = produce().finally(() => client.release())
  produced.catch(() => undefined) // told by stop()

  return {
    committed,
    rolledBack,
    stop() {
      stopping = true
      return produced
    },
  }
}

async function openOutbox(): Promise<Outbox> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = await loadSigningKeys({ keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256' }] })
  return createOutbox({ issuer: 'https://idp.example/', keys })
}

async function linkUsers(client: PoolClient, outbox: Outbox, streams: readonly string[]): Promise<void> {
  await client.query('create table users (id text primary key, disabled boolean not null default false)')
  await client.query('begin')
  for (let n = 0; n < USERS; n++) {
    await client.query('insert into users (id) values ($1)', [`u-${n}`])
    const subject = { format: 'iss_sub', iss: 'https://idp.example/', sub: `subject-${n}` } as const
    await outbox.link(client, { user: `u-${n}`, streamId: streams[n % streams.length] ?? '', subject })
  }
  await client.query('commit')
}

async function changeUser(
  client: PoolClient,
  outbox: Outbox,
  { user, rollBack }: { readonly user: string; readonly rollBack: boolean },
) {
  await client.query('begin')
  await client.query('update users set disabled = not disabled where id = $1', [user])
  const { deliveries } = await outbox.enqueue(client, [
    { type: 'account-disabled', user, reason: 'hijacking' },
    { type: 'sessions-revoked', user },
  ])
  await client.query(rollBack ? 'rollback' : 'commit')
  return deliveries
}
