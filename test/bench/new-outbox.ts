import { exportJWK, generateKeyPair } from 'jose'
import { createOutbox, type Outbox } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'

/** An outbox with an RS256 key of its own. */
export async function newOutbox(): Promise<Outbox> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = await loadSigningKeys({ keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256' }] })
  return createOutbox({ issuer: 'https://idp.example/', keys })
}
