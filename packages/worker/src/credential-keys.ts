import { z } from 'zod'

/** The keys that credentials are sealed with at rest: they never enter the database. */
export interface CredentialKeys {
  /** Seals; `undefined` where no keys are configured. */
  readonly active: CredentialKey | undefined
  /** Every key opens what it sealed. */
  find(kid: string): CredentialKey | undefined
}

/** One key of AES-256-GCM. */
export interface CredentialKey {
  readonly kid: string
  readonly secret: Uint8Array
}

/** What came of reading a key set. No problem quotes what was read. */
export type CredentialKeysResult =
  | { readonly kind: 'keys'; readonly keys: CredentialKeys }
  | { readonly kind: 'unusable'; readonly problems: readonly string[] }

const KEY_BYTES = 32

const KEY_SET = z.object(
  {
    keys: z
      .array(
        z.object(
          {
            kty: z.literal('oct', { error: 'must be oct' }),
            kid: z.string('must be there').refine(isKeyId, 'must be 1 to 64 of A-Z a-z 0-9 . _ ~ -'),
            k: z.string('must be there').refine(isKey, 'must be 256 bits in base64url'),
            alg: z.literal(['dir', 'A256GCM'], { error: 'must be dir or A256GCM, if it is there' }).optional(),
            use: z.literal('enc', { error: 'must be enc, if it is there' }).optional(),
          },
          { error: 'must be a JWK' },
        ),
        { error: 'must be an array of JWKs' },
      )
      .min(1, 'must hold a key')
      .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'must not repeat a kid'),
  },
  { error: 'must be a JWK Set (RFC 7517 §5)' },
)

/** No keys: what is sealed stays closed, and nothing can be sealed. */
export const noCredentialKeys: CredentialKeys = { active: undefined, find: () => undefined }

/** Reads a JWK Set of symmetric keys (RFC 7518 §6.4), all of 256 bits: the first one seals, all open. */
export function readCredentialKeys(text: string): CredentialKeysResult {
  const { success, data, error } = KEY_SET.safeParse(parseJson(text))
  if (!success) return { kind: 'unusable', problems: error.issues.map(describeIssue) }
  const keys = new Map(data.keys.map(({ kid, k }) => [kid, { kid, secret: Buffer.from(k, 'base64url') }]))
  const [active] = keys.values()
  return { kind: 'keys', keys: { active, find: (kid) => keys.get(kid) } }
}

/** Whether a text can be shown as a key's id, wherever it comes from. */
export function isKeyId(text: string): boolean {
  return /^[A-Za-z0-9._~-]{1,64}$/.test(text)
}

// The error of JSON.parse quotes the text, so it is dropped.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return [path.join('.'), message].filter(Boolean).join(' ')
}

function isKey(k: string): boolean {
  const bytes = Buffer.from(k, 'base64url')
  return bytes.length === KEY_BYTES && bytes.toString('base64url') === k
}
