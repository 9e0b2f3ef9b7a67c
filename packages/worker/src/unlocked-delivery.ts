import type { CredentialProblem } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import { isKeyOfCertificate } from './client-key.ts'
import { bindClientKey, bindCredential } from './credential-binding.ts'
import type { CredentialReader } from './credential-reader.ts'
import { type OpenedCredential, unavailable } from './sealed-credential.ts'
import type { StreamConnection } from './stream-connection.ts'

/** A delivery as far as it says what it is pushed with. */
type LockedDelivery = Pick<ClaimedDelivery, 'streamId' | 'connection' | 'credential' | 'tokenRequest'>

/** What a delivery is pushed with, opened. */
export interface Unlocked extends UnlockedConnection {
  readonly credential: string | undefined
}

/** How a receiver is connected to, with the key of the client certificate as TLS takes it. */
export interface UnlockedConnection {
  readonly kind: 'unlocked'
  readonly connection: StreamConnection
}

/** Opened, or not there to be opened; it is known already, or will be. */
type Read = OpenedCredential | undefined | Promise<OpenedCredential>

/** What a header, or a form, can carry. */
const SENDABLE = /^[\t -~\u0080-\u00FF]+$/

/** Opens what a delivery has to be pushed with; at once where there is nothing to open, or it has been opened before. */
export function unlock(
  delivery: LockedDelivery,
  reader: CredentialReader,
): Unlocked | CredentialProblem | Promise<Unlocked | CredentialProblem> {
  const { connection } = delivery
  const credential = readCredential(delivery, reader)
  const key = readClientKey(delivery.streamId, connection, reader)
  if (!(credential instanceof Promise || key instanceof Promise)) return toUnlocked(connection, credential, key)
  return Promise.all([credential, key]).then((read) => toUnlocked(connection, ...read))
}

/** Opens the key of a stream's client certificate, if it has one, and makes sure that it can be used. */
export async function unlockConnection(
  streamId: string,
  connection: StreamConnection,
  reader: CredentialReader,
): Promise<UnlockedConnection | CredentialProblem> {
  const unlocked = toUnlocked(connection, undefined, await readClientKey(streamId, connection, reader))
  const client = unlocked.kind === 'unlocked' ? unlocked.connection.tls.client : undefined
  return client === undefined || isKeyOfCertificate(client) ? unlocked : problem(unavailable('not_usable'))
}

function readCredential(
  { streamId, connection, credential, tokenRequest }: LockedDelivery,
  by: CredentialReader,
): Read {
  if (credential === undefined) return undefined
  const { endpointUrl } = connection
  return by.read(credential, bindCredential(streamId, { endpointUrl, tokenEndpoint: tokenRequest?.token_endpoint }))
}

function readClientKey(streamId: string, { tls }: StreamConnection, by: CredentialReader): Read {
  return tls.client === undefined ? undefined : by.read(tls.client.privateKey, bindClientKey(streamId))
}

function toUnlocked(
  connection: StreamConnection,
  credential: OpenedCredential | undefined,
  key: OpenedCredential | undefined,
): Unlocked | CredentialProblem {
  if (credential?.kind === 'unavailable') return problem(credential)
  if (credential !== undefined && !SENDABLE.test(credential.value)) return problem(unavailable('not_usable'))
  if (key?.kind === 'unavailable') return problem(key)
  return { kind: 'unlocked', connection: withKey(connection, key?.value), credential: credential?.value }
}

function withKey(connection: StreamConnection, privateKey: string | undefined): StreamConnection {
  const { tls } = connection
  if (tls.client === undefined || privateKey === undefined) return connection
  return { ...connection, tls: { ...tls, client: { ...tls.client, privateKey } } }
}

function problem({ cause }: Extract<OpenedCredential, { kind: 'unavailable' }>): CredentialProblem {
  return { kind: 'credential_unavailable', cause }
}
