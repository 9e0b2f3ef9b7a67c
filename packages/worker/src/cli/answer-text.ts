/** Writes what a receiver answered, or what came instead, in one cell. */
export function answerText(...parts: readonly (string | number | null)[]): string {
  return parts.filter((part) => part !== null).join(' ') || '-'
}
