import {
  type CredentialKey,
  type CredentialKeys,
  readCredentialKeys,
} from '../../packages/worker/src/credential-keys.ts'

/** The key that tests seal with. */
export const TEST_KEY: CredentialKey = { kid: 'test-key', secret: Buffer.alloc(32, 'k') }

/** What `RISC_CREDENTIAL_KEYS` holds in tests. */
export const TEST_KEY_SET: string = JSON.stringify({
  keys: [{ kty: 'oct', kid: TEST_KEY.kid, k: Buffer.from(TEST_KEY.secret).toString('base64url') }],
})

/** The same, as a worker has it. */
export const TEST_KEYS: CredentialKeys = loadKeys(TEST_KEY_SET)

/** Loads keys that are known to be good. */
export function loadKeys(text: string): CredentialKeys {
  const result = readCredentialKeys(text)
  if (result.kind !== 'keys') throw new Error(result.problems.join('\n'))
  return result.keys
}
