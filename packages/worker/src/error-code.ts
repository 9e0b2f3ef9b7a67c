/** The code of a database or network error: all of it that may be logged, since messages can quote what was sent. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}
