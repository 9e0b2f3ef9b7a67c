import { Logger, runMigrations } from 'graphile-worker'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type MigrationProvider, Migrator } from 'kysely/migration'
import type { Pool } from 'pg'
import { openCommandPool } from './command-pool.ts'
import { errorCode } from './error-code.ts'
import { MigrationDeniedError, UnknownSchemaError, UnsupportedPostgresError } from './errors.ts'
import { applyGrants, type RoleGrant, requireRoles } from './grants.ts'
import { GRAPHILE_WORKER_SCHEMA, readMigrations } from './migration-files.ts'
import { knownSchemaVersion, newerThanKnown, readSchemaVersion } from './schema-version.ts'

/** What a call of {@link migrate} changed. */
export interface MigrationResult {
  /** The migrations applied, in order, graphile-worker's as `graphile-worker 000001`; empty when there was nothing to do. */
  readonly applied: readonly string[]
  /** What it took to give the roles their grants, as statements; empty when they lacked nothing. */
  readonly granted: readonly string[]
}

/**
 * Brings a database to the schema of this version: graphile-worker's schema `risc_worker`, then our `risc`.
 *
 * Our pending migrations commit together or not at all, and so do the grants after them. Any number of callers may do this at once; each waits for its turn.
 *
 * @throws {@link UnsupportedPostgresError} on a server older than PostgreSQL 15.
 * @throws {@link MigrationDeniedError} when the role lacks a right that a migration needs.
 * @throws {@link UnknownSchemaError} when a newer version has migrated the database already.
 * @throws {@link UnknownRoleError} when a role does not exist, before anything is changed.
 */
export async function migrate(databaseUrl: string, grants: readonly RoleGrant[] = []): Promise<MigrationResult> {
  const pool = openCommandPool(databaseUrl, { name: 'risc-worker migrate', max: 2 })
  try {
    return await inTurns(pool, () => migrateAlone(pool, grants))
  } catch (error) {
    throw errorCode(error) === INSUFFICIENT_PRIVILEGE ? denied(error) : error
  } finally {
    await pool.end()
  }
}

const OLDEST_POSTGRES = 15
const INSUFFICIENT_PRIVILEGE = '42501'

/** Says what is wrong with a server of this `server_version_num`; `undefined` when it is new enough. */
export function serverProblem(versionNumber: number): string | undefined {
  const major = Math.floor(versionNumber / 10_000)
  if (major >= OLDEST_POSTGRES) return undefined
  return `the server is PostgreSQL ${major}, and risc-worker needs ${OLDEST_POSTGRES} or newer`
}

/** Both migrators can run beside others, but what they then count as applied may be somebody else's work. */
async function inTurns<Result>(pool: Pool, work: () => Promise<Result>): Promise<Result> {
  const holder = await pool.connect()
  try {
    await holder.query("select pg_advisory_lock(hashtextextended('risc.migrate', 0))")
    return await work()
  } finally {
    holder.release(true) // the lock goes with the session
  }
}

async function migrateAlone(pool: Pool, grants: readonly RoleGrant[]): Promise<MigrationResult> {
  const { rows } = await pool.query("select current_setting('server_version_num')::integer as version_number")
  const problem = serverProblem(rows[0].version_number)
  if (problem !== undefined) throw new UnsupportedPostgresError(problem)

  await requireRoles(pool, grants)
  const before = await readSchemaVersion(pool)
  const newer = newerThanKnown(before, knownSchemaVersion())
  if (newer.length > 0) {
    throw new UnknownSchemaError(`a newer risc-worker has migrated this database: ${newer.join(', ')} not known here`)
  }
  await runMigrations({
    pgPool: pool,
    preset: { worker: { schema: GRAPHILE_WORKER_SCHEMA } },
    logger: new Logger(() => () => undefined),
  })
  const { graphileWorker } = await readSchemaVersion(pool)
  const applied = await applyMigrations(pool)
  await pool.query('select risc.make_partitions()')
  const count = graphileWorker.latest - before.graphileWorker.latest
  return {
    applied: [
      ...Array.from({ length: count }, (_, n) => graphileWorkerName(before.graphileWorker.latest + n + 1)),
      ...applied,
    ],
    granted: await applyGrants(pool, grants),
  }
}

async function applyMigrations(pool: Pool): Promise<string[]> {
  const migrator = new Migrator({
    db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
    provider: sqlFiles,
    migrationTableSchema: 'risc',
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
  return results.map((result) => result.migrationName)
}

const sqlFiles: MigrationProvider = {
  async getMigrations() {
    const migrations = readMigrations().map(({ name, text }) => [name, { up: (db: Kysely<unknown>) => run(db, text) }])
    return Object.fromEntries(migrations)
  },
}

/** Without parameters PostgreSQL takes any number of statements at once. */
async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await sql.raw(text).execute(db)
}

function graphileWorkerName(number: number): string {
  return `graphile-worker ${String(number).padStart(6, '0')}`
}

function denied(error: unknown): MigrationDeniedError {
  const message = error instanceof Error ? error.message : 'permission denied'
  return new MigrationDeniedError(
    `the role may not migrate this database (${message}): let a role do it that may create schemas and owns risc and risc_worker, or grant it CREATE on the database`,
    { cause: error },
  )
}
