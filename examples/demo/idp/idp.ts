import { generateKeyPair } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Kysely, PostgresDialect } from 'kysely'
import { Client, type Pool } from 'pg'
import { createOutbox, type Outbox } from 'risc-outbox'
import { loadSigningKeys, publicJwks } from 'risc-set'
import { openPool } from '../pool.ts'
import { serve } from '../serve.ts'
import type { IdpDatabase, IdpTransaction } from './database.ts'
import { ISSUER } from './issuer.ts'
import { lookUpRecipients } from './recipients.ts'

/** The identity provider's application. */
export interface Idp {
  readonly db: Kysely<IdpDatabase>
  readonly pool: Pool
  readonly outbox: Outbox<IdpTransaction>
  /** Where partners find the keys that verify its SETs. */
  readonly jwksUrl: string
  stop(): Promise<void>
}

/** Makes the IdP's tables, with a handful of users, in the database that has the outbox already. */
export async function installIdp(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(await readFile(new URL('schema.sql', import.meta.url), 'utf8'))
  await client.end()
}

/** Starts the IdP under a database role of its own. The private key is in this process and nowhere else. */
export async function startIdp(databaseUrl: string): Promise<Idp> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const keys = await loadSigningKeys({ keys: [privateKey.export({ format: 'jwk' })] })
  const jwks = await serve(async () => Response.json(publicJwks(keys)))

  const pool = openPool(asRole('idp', databaseUrl))
  const db = new Kysely<IdpDatabase>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    pool,
    outbox: createOutbox<IdpTransaction>({ issuer: ISSUER, keys, recipients: lookUpRecipients }),
    jwksUrl: `${jwks.origin}/api/openid_connect/certs`,
    async stop() {
      await Promise.all([db.destroy(), jwks.stop()])
    },
  }
}

function asRole(name: string, databaseUrl: string): string {
  const url = new URL(databaseUrl)
  url.username = name
  url.password = name
  return url.href
}
