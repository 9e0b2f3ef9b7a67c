import type { PauseReason } from '../outcome.ts'
import { MisuseError } from './command-error.ts'

/** What the machine writes where operators write their words: `why` would tell these as what happened by itself. */
const RESERVED: Readonly<Record<PauseReason | 'retention' | 'erased' | 'stream_disabled', true>> = {
  receiver_gone: true,
  url_not_allowed: true,
  address_forbidden: true,
  address_private: true,
  token_url_not_allowed: true,
  token_address_forbidden: true,
  token_address_private: true,
  retention: true,
  erased: true,
  stream_disabled: true,
}

/**
 * Reads an operator's words, which are kept and which any terminal can show.
 *
 * @throws {@link MisuseError}
 */
export function readReason(option: string, text: string): string {
  if (text.trim() === '' || [...text].length > 200 || /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u.test(text)) {
    throw new MisuseError(`${option} must be 1 to 200 characters, none of them a control character`)
  }
  const word = text.trim().toLowerCase()
  if (Object.hasOwn(RESERVED, word)) {
    throw new MisuseError(`${option} must not be ${word} alone, which stands for something that happens by itself`)
  }
  return text
}
