import { MisuseError } from './command-error.ts'

/**
 * Reads `--reason`, which history keeps and any terminal can show.
 *
 * @throws {@link MisuseError}
 */
export function readReason(text: string): string {
  if (text.trim() === '' || [...text].length > 200 || /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u.test(text)) {
    throw new MisuseError('--reason must be 1 to 200 characters, none of them a control character')
  }
  return text
}
