import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { PeerCertificate } from './answer.ts'

/** Who is at the other end of a connection. */
export interface Peer {
  readonly connectedTo?: string
  readonly certificate?: PeerCertificate
}

const fingerprints = new WeakMap<TLSSocket, string>()

/** Has to be asked before an answer's body is read: a socket that has closed no longer knows. */
export function peerOf(socket: Socket | undefined): Peer {
  const { remoteAddress: host, remotePort: port } = socket ?? {}
  if (host === undefined) return {}
  const connectedTo = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const certificate = socket instanceof TLSSocket ? certificateOf(socket) : undefined
  return { connectedTo, ...(certificate !== undefined && { certificate }) }
}

/** Read once for each connection, not for each request. */
function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const known = fingerprints.get(socket)
  if (known !== undefined) return { sha256: known }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const sha256 = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  fingerprints.set(socket, sha256)
  return { sha256, expiresAt: certificate.validToDate }
}
