import { createSecureContext } from 'node:tls'
import type { StreamTls } from './stream-connection.ts'

/** The key of a client certificate cannot be used: nothing has been sent. */
export class UnusableClientKeyError extends Error {
  override readonly name = 'UnusableClientKeyError'
}

/** Whether TLS can show the certificate with this private key, which takes one in PEM without a passphrase. */
export function isKeyOfCertificate({ certificate, privateKey }: NonNullable<StreamTls['client']>): boolean {
  try {
    createSecureContext({ cert: certificate, key: privateKey })
    return true
  } catch {
    return false
  }
}
