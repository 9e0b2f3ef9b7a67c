/** A table has room for the last segment of an event's URI; --json has all of it. */
export function shortEvent(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}
