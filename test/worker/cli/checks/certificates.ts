import { generate } from 'selfsigned'

/** A certificate with its private key, and the authority that signed it, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly authority: string
}

/** What a certificate says. */
export interface CertificateFacts {
  readonly name?: string
  readonly address?: string
  readonly validFrom?: Date
  readonly validTo?: Date
}

const DAY_MS = 86_400_000

/** The time in `days` days, or before if there are fewer than none. */
export function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS)
}

/** Makes an authority that nobody knows yet, and a server's certificate of it. */
export async function certify({
  name,
  address,
  validFrom = inDays(-1),
  validTo = inDays(90),
}: CertificateFacts): Promise<Certificate> {
  const authority = await generate([{ name: 'commonName', value: 'Authority of a test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: inDays(-400),
    notAfterDate: inDays(400),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const altNames = [
    ...(name === undefined ? [] : [{ type: 2 as const, value: name }]),
    ...(address === undefined ? [] : [{ type: 7 as const, ip: address }]),
  ]
  const server = await generate([{ name: 'commonName', value: 'Server of a test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: validFrom,
    notAfterDate: validTo,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames },
    ],
  })
  return { cert: server.cert, key: server.private, authority: authority.cert }
}
