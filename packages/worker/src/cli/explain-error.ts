import { errorCode } from '../error-code.ts'

/** Says in one line what went wrong and what to do about it, without a stack, a password or a row. */
export function explainError(error: unknown): string {
  const known = EXPLANATIONS[errorCode(error)]
  if (known !== undefined) return known
  const message = error instanceof Error ? error.message : String(error)
  if (LOST_CONNECTION.test(message)) return UNREACHABLE
  return message
}

const UNREACHABLE = 'the database cannot be reached: check that PostgreSQL runs where DATABASE_URL says'
const NO_LOGIN = 'the database refuses the role or the password in DATABASE_URL'
const NO_SCHEMA = 'the database has no schema risc, or not that of this version: run `risc-worker migrate`'
const NOT_NOW = 'the database takes no connections at the moment: try again'

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENOENT: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  '28000': NO_LOGIN,
  '28P01': NO_LOGIN,
  '3D000': 'the database that DATABASE_URL names does not exist: create it, then run `risc-worker migrate`',
  '3F000': NO_SCHEMA,
  '42P01': NO_SCHEMA,
  '42501': 'the role in DATABASE_URL may not see this: let the owner run `risc-worker migrate --grant-work <role>`',
  '42703': NO_SCHEMA,
  '42883': NO_SCHEMA,
  '53300': NOT_NOW,
  '57014': 'the database took too long to answer: try again when it is less busy',
  '57P01': NOT_NOW,
  '57P02': NOT_NOW,
  '57P03': NOT_NOW,
}

/** What pg says without a code. */
const LOST_CONNECTION = /^(timeout exceeded when trying to connect|Connection terminated)/
