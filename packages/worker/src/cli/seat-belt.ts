/**
 * Tells whether a rejection that nobody handles is graphile-worker's, which drops the promise of the statement that
 * returns its local queue (0.18): when the connection is lost, it would take the process along.
 */
export function isFromGraphileWorker(reason: unknown): boolean {
  return reason instanceof Error && (reason.stack ?? '').includes('graphile-worker/')
}
