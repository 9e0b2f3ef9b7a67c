import type { Pool } from 'pg'
import { UnknownRoleError } from './errors.ts'

/** What a role may be granted: to record events, to do a worker's work, to look. */
export type GrantName = 'enqueue' | 'work' | 'inspect'

/** A grant for a role that exists. */
export interface RoleGrant {
  readonly grant: GrantName
  readonly role: string
}

/**
 * Makes sure that the roles exist.
 *
 * @throws {@link UnknownRoleError} that names all that do not.
 */
export async function requireRoles(pool: Pool, grants: readonly RoleGrant[]): Promise<void> {
  const { rows } = await pool.query<{ role: string }>(
    'select distinct g.role from unnest($1::text[]) g (role) where not exists (select from pg_roles r where r.rolname = g.role) order by 1',
    [grants.map(({ role }) => role)],
  )
  if (rows.length > 0) {
    const names = rows.map(({ role }) => JSON.stringify(role)).join(', ')
    throw new UnknownRoleError(`there is no role ${names}: create it first, nothing was changed`)
  }
}

/** Gives the roles what they lack of their grants, all or nothing. Returns the statements that it took. */
export async function applyGrants(pool: Pool, grants: readonly RoleGrant[]): Promise<string[]> {
  const { rows } = await pool.query<{ statement: string }>(
    `select s.statement from unnest($1::text[], $2::text[]) with ordinality g (name, role, place)
     cross join lateral risc.grant_rights(g.name, g.role) s (statement) order by g.place`,
    [grants.map(({ grant }) => grant), grants.map(({ role }) => role)],
  )
  return rows.map(({ statement }) => statement)
}
