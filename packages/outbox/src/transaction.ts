import { CompiledQuery } from 'kysely'
import { NotInTransactionError, UnknownStreamError } from './errors.ts'

/** A Kysely of any database type. */
export interface KyselyConnection {
  readonly isTransaction: boolean
  withoutPlugins(): {
    executeQuery(query: CompiledQuery): Promise<{ readonly rows: readonly unknown[] }>
  }
}

/** A `pg` pool or client, or anything that speaks as they do. */
export interface QueryableConnection {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** What can be asked inside a transaction or outside. */
export type OutboxConnection = KyselyConnection | QueryableConnection

/** A Kysely `Transaction` of any database type, a controlled one included. A plain `Kysely` is not one. */
export interface KyselyTransaction extends KyselyConnection {
  readonly isTransaction: true
}

/** A `pg` client inside a transaction, or anything that speaks as it does. A `pg` pool is not one. */
export interface QueryableTransaction extends QueryableConnection {
  /** As newer versions of `pg` have it: what PostgreSQL last said of the connection, `I` for no transaction. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null
  /** Only a pool counts its clients. */
  readonly totalCount?: never
}

/** The open transaction that makes the change. */
export type OutboxTransaction = KyselyTransaction | QueryableTransaction

/** Refuses what can be seen, without asking the database, to be no open transaction. */
export function assertInTransaction(trx: OutboxTransaction): void {
  const idle = isKysely(trx) ? trx.isTransaction !== true : trx.getTransactionStatus?.() === 'I'
  if (idle) throw new NotInTransactionError()
}

/** Runs one statement of ours. Values are text, so that no driver's own way with JSON or arrays is between. */
export async function ask(db: OutboxConnection, text: string, values: string[]): Promise<readonly unknown[]> {
  try {
    const { rows } = isKysely(db)
      ? // Plugins are for the IdP's tables: ParseJSONResultsPlugin and CamelCasePlugin would change what a subject says.
        await db.withoutPlugins().executeQuery(CompiledQuery.raw(text, values))
      : await db.query(text, values)
    return rows
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw translate(error)
    throw error
  }
}

function isKysely(db: OutboxConnection): db is KyselyConnection {
  return 'isTransaction' in db
}

type DatabaseError = Error & { readonly code: unknown; readonly detail?: unknown }

function translate(error: DatabaseError): Error {
  const { code, detail } = error
  const cause = withoutValues(error)
  switch (code) {
    case '25P01': // no_active_sql_transaction
      return new NotInTransactionError({ cause })
    case '23503': // foreign_key_violation
      return new UnknownStreamError(typeof detail === 'string' ? detail : cause.message, { cause }) // the key alone
    default:
      return cause
  }
}

/**
 * PostgreSQL quotes the row that broke a rule and, where it is set to, the values of the statement: subjects and SETs, which
 * would stand in the log of whoever logs the error.
 */
function withoutValues(error: DatabaseError): DatabaseError {
  for (const quoting of ['detail', 'where']) if (quoting in error) Object.assign(error, { [quoting]: undefined })
  return error
}
