import type { Reply } from './behaviour.ts'
import type { Known } from './known-sets.ts'

/** One request, what it deserves and what is done about it. */
export interface Arrival {
  /** Counted from 1. */
  readonly n: number
  readonly at: Date
  readonly method: string
  readonly path: string
  /** Without the credential: of `authorization` only the scheme. */
  readonly headers: Readonly<Record<string, string>>
  /** What its body says, verified or not; absent when nothing of it can be read. */
  readonly set: ReadSet | undefined
  readonly verdict: Verdict
  readonly reply: Reply
  /** What it is answered, if it is. */
  readonly status: number | undefined
  readonly delayMs: number
}

/** A SET, read but not verified. */
export interface ReadSet {
  readonly jwt: string
  readonly header: JsonRecord
  readonly claims: JsonRecord
}

/** What a receiver that behaves says of a request. */
export type Verdict = Known | { readonly verified: false; readonly err?: string; readonly description: string }

type JsonRecord = Readonly<Record<string, unknown>>

/** Reads a compact JWS, whoever signed it; `undefined` when it is none. */
export function readUnverified(jwt: string): ReadSet | undefined {
  const [header, claims] = jwt.split('.', 2).map(readPart)
  return header === undefined || claims === undefined ? undefined : { jwt, header, claims }
}

function readPart(part: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The headers to be shown: what is pasted into a ticket must not hold the credential. */
export function withoutCredential(headers: Headers): Readonly<Record<string, string>> {
  const shown = Object.fromEntries(headers)
  const { authorization } = shown
  if (authorization === undefined) return shown
  const [scheme = ''] = /^\S+(?= )/.exec(authorization) ?? []
  return { ...shown, authorization: `${scheme} …`.trimStart() }
}
