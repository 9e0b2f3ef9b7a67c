import type { CredentialProblem } from './answer.ts'
import type { ClaimedDelivery } from './claim.ts'
import { bindClientKey, bindCredential } from './credential-binding.ts'
import type { CredentialReader } from './credential-reader.ts'
import type { OpenedCredential } from './sealed-credential.ts'
import type { StreamConnection } from './stream-connection.ts'

/** A delivery with what it takes to push it: its credential and the key of its client certificate are opened. */
export interface UnlockedDelivery extends ClaimedDelivery {
  readonly kind: 'unlocked'
  readonly authorizationHeader: string | undefined
}

/** How a receiver is connected to, with the key of the client certificate as TLS takes it. */
export interface UnlockedConnection {
  readonly kind: 'unlocked'
  readonly connection: StreamConnection
}

/** What a header, or a form, can carry. */
const SENDABLE = /^[\t -~\u0080-\u00FF]+$/

/** Opens what a delivery has to be pushed with. A worker that has opened it before has it in a moment. */
export async function unlock(
  delivery: ClaimedDelivery,
  reader: CredentialReader,
): Promise<UnlockedDelivery | CredentialProblem> {
  const { streamId, connection, credential, tokenRequest } = delivery
  const { endpointUrl } = connection
  const tokenEndpoint = tokenRequest?.token_endpoint
  const header =
    credential === undefined
      ? undefined
      : await reader.read(credential, bindCredential(streamId, { endpointUrl, tokenEndpoint }))
  if (header?.kind === 'unavailable') return problem(header)
  if (header !== undefined && !SENDABLE.test(header.value))
    return { kind: 'credential_unavailable', cause: 'not_usable' }
  const unlocked = await unlockConnection(streamId, connection, reader)
  if (unlocked.kind !== 'unlocked') return unlocked
  return { ...delivery, kind: 'unlocked', connection: unlocked.connection, authorizationHeader: header?.value }
}

/** Opens the key of a stream's client certificate, if it has one. */
export async function unlockConnection(
  streamId: string,
  connection: StreamConnection,
  reader: CredentialReader,
): Promise<UnlockedConnection | CredentialProblem> {
  const { tls } = connection
  if (tls.client === undefined) return { kind: 'unlocked', connection }
  const key = await reader.read(tls.client.privateKey, bindClientKey(streamId))
  if (key.kind === 'unavailable') return problem(key)
  const client = { ...tls.client, privateKey: key.value }
  return { kind: 'unlocked', connection: { ...connection, tls: { ...tls, client } } }
}

function problem({ cause }: Extract<OpenedCredential, { kind: 'unavailable' }>): CredentialProblem {
  return { kind: 'credential_unavailable', cause }
}
