import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, generateKeyPair } from 'jose'
import { Client, type Pool } from 'pg'
import { createOutbox } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'
import type { Promised } from './verdict.ts'

/** An IdP whose users change all the time, on a connection of its own. */
export interface Producer {
  /** Commits that many events at once, in a few transactions; waits as long as it takes. */
  burst(events: number, user?: string): Promise<void>
  /** Commits one event after the other until it is stopped. */
  start(): void
  stop(): Promise<void>
  /** What it did since it was last asked. Looks up what became of each COMMIT that was not answered. */
  reckon(db: Pool): Promise<Promised>
  close(): Promise<void>
}

const EVENTS_PER_TRANSACTION = 10
const PAUSE_MS = 25
const PAUSE_AFTER_ERROR_MS = 50
const GIVE_UP_AFTER_MS = 60_000

const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const keys = await loadSigningKeys({ keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] })
const outbox = createOutbox({ issuer: 'https://idp.example/', keys })

/** Makes `users` known to the stream of the same place in `streamIds`, and sets out to change them. */
export async function openProducer(
  databaseUrl: string,
  users: readonly string[],
  streamIds: readonly string[],
): Promise<Producer> {
  let committed = new Set<string>()
  let rolledBack = new Set<string>()
  let unknown = new Set<string>()
  let connection: Client | undefined
  let running: Promise<void> | undefined
  let stopping = false
  let turn = 0

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: databaseUrl, application_name: 'idp' })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** One in ten is rolled back: nobody may ever hear of it. */
  async function transact(events: number, user?: string): Promise<void> {
    const rollBack = ++turn % 10 === 0
    connection ??= await connect()
    const trx = connection
    await trx.query('begin')
    const { deliveries } = await outbox.enqueue(
      trx,
      Array.from({ length: events }, (_, n) => ({
        type: 'account-disabled' as const,
        user: user ?? users[(turn + n) % (users.length - 1)] ?? '',
      })),
    )
    const jtis = deliveries.map(({ jti }) => jti)
    if (rollBack) {
      add(rolledBack, jtis)
      await trx.query('rollback')
      return transact(events, user)
    }
    add(unknown, jtis)
    await trx.query('commit')
    for (const jti of jtis) unknown.delete(jti)
    add(committed, jtis)
  }

  async function commit(events: number, user?: string): Promise<void> {
    const deadline = performance.now() + GIVE_UP_AFTER_MS
    for (;;) {
      try {
        return await transact(events, user)
      } catch (error) {
        connection?.end().catch(() => undefined)
        connection = undefined
        if (performance.now() > deadline) throw error
        await sleep(PAUSE_AFTER_ERROR_MS)
      }
    }
  }

  async function goOn(): Promise<void> {
    while (!stopping) {
      await commit(1)
      await sleep(PAUSE_MS)
    }
  }

  async function stop(): Promise<void> {
    stopping = true
    await running
    running = undefined
  }

  const client = await connect()
  await client.query('begin')
  for (const [n, user] of users.entries()) {
    await outbox.link(client, { user, streamId: streamIds[n] ?? '', subject: { format: 'opaque', id: user } })
  }
  await client.query('commit')
  connection = client

  return {
    async burst(events, user) {
      await stop() // one connection, one transaction at a time
      for (let left = events; left > 0; left -= EVENTS_PER_TRANSACTION) {
        await commit(Math.min(left, EVENTS_PER_TRANSACTION), user)
      }
    },
    start() {
      stopping = false
      running ??= goOn()
    },
    stop,
    async reckon(db) {
      const { rows } = await db.query<{ jti: string }>(
        `select jti from risc.deliveries where jti = any ($1) union select jti from risc.history where jti = any ($1)`,
        [[...unknown]],
      )
      const found = new Set(rows.map(({ jti }) => jti))
      const missing = [...unknown].filter((jti) => !found.has(jti))
      const promised = {
        committed: new Set([...committed, ...found]),
        rolledBack: new Set([...rolledBack, ...missing]),
      }
      committed = new Set()
      rolledBack = new Set()
      unknown = new Set()
      return promised
    },
    async close() {
      await stop()
      await connection?.end().catch(() => undefined)
    },
  }
}

function add(set: Set<string>, jtis: readonly string[]): void {
  for (const jti of jtis) set.add(jti)
}
