import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload } from 'jose'
import type { Pool, PoolClient } from 'pg'
import { createOutbox, type Outbox, type OutboxOptions, type StreamProfile } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'
import type { TestDatabase } from '../support/database.ts'
import { test as base } from '../support/test.ts'

export const issuer = 'https://idp.example/'

const { privateKey } = await generateKeyPair('RS256', { extractable: true })
export const privateJwks = { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] }
export const keys = await loadSigningKeys(privateJwks)

/** A stream as a test wants it; what it leaves out is as an operator would have it. */
interface StreamSketch {
  readonly profile?: StreamProfile
  readonly audience?: readonly string[]
  readonly events?: readonly string[]
  readonly status?: string
}

/** An IdP with one table of its own, in a database of its own. */
export const test = base.extend('idp', ({ database }) => createIdp(database))

export async function createIdp(database: Pick<TestDatabase, 'pool' | 'url'>): Promise<Idp> {
  await database.pool.query('create table users (id text primary key, disabled boolean not null default false)')
  return new Idp(database)
}

/** What an IdP has: users, and an outbox beside them. */
export class Idp {
  readonly pool: Pool
  readonly url: string
  /** The name of its database: nobody else's. */
  readonly name: string
  readonly outbox: Outbox = createOutbox({ issuer, keys })

  constructor({ pool, url }: Pick<TestDatabase, 'pool' | 'url'>) {
    this.pool = pool
    this.url = url
    this.name = new URL(url).pathname.slice(1)
  }

  createOutbox(options: Partial<OutboxOptions>): Outbox {
    return createOutbox({ issuer, keys, ...options })
  }

  async addStream(id: string, { profile = 'ssf', audience = [id], events, status = 'enabled' }: StreamSketch = {}) {
    await this.pool.query(
      `insert into risc.streams (id, profile, endpoint_url, audience, events_requested, status)
       values ($1, $2, 'https://receiver.example/events', $3, $4, $5)`,
      [id, profile, audience, events, status],
    )
  }

  /** A user who is known to each stream as `<user> at <stream>`. */
  async addUser(user: string, ...streamIds: readonly string[]) {
    await this.transaction(async (trx) => {
      await trx.query('insert into users (id) values ($1)', [user])
      for (const streamId of streamIds) {
        await this.outbox.link(trx, { user, streamId, subject: { format: 'opaque', id: `${user} at ${streamId}` } })
      }
    })
  }

  /** Runs `work` in a transaction that commits, unless `work` throws. */
  transaction<T>(work: (trx: PoolClient) => Promise<T>, begin = 'begin'): Promise<T> {
    return this.connection(async (client) => {
      await client.query(begin)
      const result = await work(client)
      await client.query('commit')
      return result
    })
  }

  /** Gives `work` a connection of its own. If `work` throws, the connection ends, and with it a transaction still open. */
  async connection<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect()
    let failed = true
    try {
      const result = await work(client)
      failed = false
      return result
    } finally {
      client.release(failed)
    }
  }

  /** The deliveries there are, in the order of their recording. */
  async deliveries(): Promise<DeliveryRow[]> {
    const { rows } = await this.pool.query('select * from risc.deliveries order by id')
    return rows
  }

  /** What the SETs of the deliveries say. */
  async payloads(): Promise<JWTPayload[]> {
    return (await this.deliveries()).map((row) => decodeJwt(row.signed_set))
  }
}

interface DeliveryRow {
  readonly stream_id: string
  readonly jti: string
  readonly txn: string
  readonly event_type: string
  readonly kid: string
  readonly state: string
  readonly signed_set: string
}

/** The change that the tests make. */
export function disable(trx: PoolClient, user: string) {
  return trx.query('update users set disabled = true where id = $1', [user])
}
