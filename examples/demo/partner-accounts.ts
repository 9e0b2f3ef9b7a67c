import type { Kysely } from 'kysely'
import type { SubjectIdentifier } from 'risc-set'
import type { IdpDatabase } from './idp/database.ts'

/** Finds a partner's account by the subject of a SET; gives the IdP's name for the user, for people to read. */
export type FindAccount = (partner: string, subject: SubjectIdentifier) => string | undefined

/** What partners noted when users signed in to them: the `sub` and the e-mail address of each ID token. */
export async function readAccounts(db: Kysely<IdpDatabase>): Promise<FindAccount> {
  const rows = await db
    .selectFrom('idp.identities as i')
    .innerJoin('idp.users as u', 'u.id', 'i.user_id')
    .innerJoin('idp.service_providers as sp', 'sp.issuer', 'i.service_provider')
    .leftJoin('idp.agency_identities as a', (join) =>
      join.onRef('a.user_id', '=', 'i.user_id').onRef('a.agency_id', '=', 'sp.agency_id'),
    )
    .select(['sp.stream_id', 'u.id', 'u.email', 'i.uuid', 'a.uuid as agency_uuid'])
    .execute()

  return (partner, subject) => {
    const known = (row: (typeof rows)[number]) =>
      (subject.format === 'email' && subject.email === row.email) ||
      (subject.format === 'iss_sub' && subject.sub === (row.agency_uuid ?? row.uuid))
    return rows.find((row) => row.stream_id === partner && known(row))?.id
  }
}
