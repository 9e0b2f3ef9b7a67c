import type { Generated, Transaction } from 'kysely'
import type { PoolClient } from 'pg'

/** The tables of `schema.sql`, as Kysely sees them. */
export interface IdpDatabase {
  'idp.users': {
    id: string
    email: string
    password_digest: string
    is_admin: Generated<boolean>
    suspended_at: Date | null
  }
  'idp.agencies': { id: number; name: string }
  'idp.service_providers': {
    issuer: string
    agency_id: number | null
    active: Generated<boolean>
    stream_id: string | null
  }
  'idp.identities': {
    user_id: string
    service_provider: string
    uuid: Generated<string>
    revoked_at: Date | null
  }
  'idp.agency_identities': { user_id: string; agency_id: number; uuid: Generated<string> }
}

/** Some of the IdP's code uses Kysely, some of it plain `pg`: the outbox takes part in either's transaction. */
export type IdpTransaction = Transaction<IdpDatabase> | PoolClient
