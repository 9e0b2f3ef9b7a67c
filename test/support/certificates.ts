import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import { generate } from 'selfsigned'

/** A certificate and its private key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000

/** The time in `days` days, or before if there are fewer than none. */
export function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS)
}

/** What a certificate says. */
export interface Subject {
  /** Host names and addresses; none for a client's. */
  readonly names?: readonly string[]
  /** A year from now unless told. */
  readonly notAfter?: Date
  readonly notBefore?: Date
}

/** Whoever trusts it trusts what it issues. */
export interface Authority {
  readonly cert: string
  issue(subject: Subject): Promise<Certificate>
}

/** Makes an authority that nobody knows yet. */
export async function createAuthority(): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: `Authority ${randomUUID()}` }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  return {
    cert: own.cert,
    issue: (subject) => certify(subject, { key: own.private, cert: own.cert }),
  }
}

/** Makes a certificate that nobody vouches for but itself. */
export function selfSign(subject: Subject): Promise<Certificate> {
  return certify(subject, undefined)
}

async function certify(
  { names = [], notAfter, notBefore }: Subject,
  ca: { readonly key: string; readonly cert: string } | undefined,
): Promise<Certificate> {
  const altNames = names.map((name) =>
    isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
  )
  const made = await generate([{ name: 'commonName', value: names[0] ?? 'worker' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(ca !== undefined && { ca }),
    ...(notAfter !== undefined && { notAfterDate: notAfter }),
    ...(notBefore !== undefined && { notBeforeDate: notBefore }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames }] : []),
    ],
  })
  return { cert: made.cert, key: made.private }
}
