import { generate } from 'selfsigned'

/** A certificate and its private key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes an authority that nobody knows yet, and a web server's certificate of it for `name`. */
export async function certify(name: string): Promise<{ readonly authority: string; readonly server: Certificate }> {
  const authority = await generate([{ name: 'commonName', value: 'Authority of the several-hosts test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const server = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  })
  return { authority: authority.cert, server: { cert: server.cert, key: server.private } }
}
