import { MisuseError } from './command-error.ts'

/**
 * Reads an operator's words, which are kept and which any terminal can show.
 *
 * @throws {@link MisuseError}
 */
export function readReason(option: string, text: string): string {
  if (text.trim() === '' || [...text].length > 200 || /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u.test(text)) {
    throw new MisuseError(`${option} must be 1 to 200 characters, none of them a control character`)
  }
  return text
}
