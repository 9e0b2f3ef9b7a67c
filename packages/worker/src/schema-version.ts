import { UnknownSchemaError } from './errors.ts'
import { GRAPHILE_WORKER_SCHEMA, isBreaking, readGraphileWorkerMigrations, readMigrations } from './migration-files.ts'

/** Whatever runs one statement: a pool, a client, a ledger. */
export interface Queryable {
  query(text: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>
}

/** Which migrations a database has had, or which a program knows. */
export interface SchemaVersion {
  /** The names of our migrations, in order. */
  readonly migrations: readonly string[]
  /** The number of graphile-worker's last migration, and of its last one that older versions cannot work with. */
  readonly graphileWorker: { readonly latest: number; readonly breaking: number }
}

/**
 * Makes sure that the database is of the schema this version works with, and changes nothing.
 *
 * @throws {@link UnknownSchemaError} when migrations are missing, or when the database is newer than this version.
 */
export async function checkSchema(db: Queryable): Promise<void> {
  const problem = schemaProblem(await readSchemaVersion(db), knownSchemaVersion())
  if (problem !== undefined) throw new UnknownSchemaError(problem)
}

/** Says what is wrong with a database and what to do about it; `undefined` when it is as `known`. */
export function schemaProblem(found: SchemaVersion, known: SchemaVersion): string | undefined {
  const newer = newerThanKnown(found, known)
  if (newer.length > 0) {
    return `the database is newer than this risc-worker, which does not know ${newer.join(', ')}: install the version that migrated it`
  }
  if (found.migrations.length === 0) return 'the database has no schema risc yet: run `risc-worker migrate`'
  const missing = known.migrations.filter((name) => !found.migrations.includes(name))
  if (found.graphileWorker.latest < known.graphileWorker.latest) {
    missing.push(`migration ${known.graphileWorker.latest} of graphile-worker`)
  }
  if (missing.length > 0) return `the database lacks ${missing.join(', ')}: run \`risc-worker migrate\``
  return undefined
}

/** Names what the database has had and `known` has not; such a database must not even be migrated. */
export function newerThanKnown(found: SchemaVersion, known: SchemaVersion): string[] {
  const newer = found.migrations.filter((name) => !known.migrations.includes(name))
  // As graphile-worker has it: what is newer and not breaking can be worked with.
  if (found.graphileWorker.breaking > known.graphileWorker.latest) {
    newer.push(`migration ${found.graphileWorker.breaking} of graphile-worker`)
  }
  return newer
}

/** What this version's migrations make. */
export function knownSchemaVersion(): SchemaVersion {
  const graphileWorker = readGraphileWorkerMigrations()
  return {
    migrations: readMigrations().map(({ name }) => name),
    graphileWorker: {
      latest: Math.max(...graphileWorker.map(({ name }) => Number(name))),
      breaking: Math.max(...graphileWorker.filter(isBreaking).map(({ name }) => Number(name))),
    },
  }
}

/** What a database has had so far; nothing at all is a version too. */
export async function readSchemaVersion(db: Queryable): Promise<SchemaVersion> {
  const migrations = await rowsIfTable(db, 'risc.migrations', 'name')
  const graphileWorker = await rowsIfTable(db, `${GRAPHILE_WORKER_SCHEMA}.migrations`, 'id, breaking')
  return {
    migrations: migrations.map((row) => String(row['name'])).sort(),
    graphileWorker: {
      latest: Math.max(0, ...graphileWorker.map((row) => Number(row['id']))),
      breaking: Math.max(0, ...graphileWorker.filter((row) => row['breaking']).map((row) => Number(row['id']))),
    },
  }
}

async function rowsIfTable(
  db: Queryable,
  table: string,
  columns: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { rows } = await db.query(`select to_regclass('${table}') is not null as there_is`)
  return rows[0]?.['there_is'] === true ? (await db.query(`select ${columns} from ${table}`)).rows : []
}
