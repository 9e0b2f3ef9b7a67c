import { exportJWK, generateKeyPair } from 'jose'
import { createOutbox, type Outbox } from 'risc-outbox'
import { loadSigningKeys, type SigningKeys } from 'risc-set'

export const ISSUER = 'https://idp.example/'

/** An RS256 key. */
export async function newKeys(): Promise<SigningKeys> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return loadSigningKeys({ keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256' }] })
}

/** An outbox, by default with a key of its own. */
export async function newOutbox(keys?: SigningKeys): Promise<Outbox> {
  return createOutbox({ issuer: ISSUER, keys: keys ?? (await newKeys()) })
}
