import type { Output } from './world.ts'

/** Prints one JSON document: times as ISO 8601 in UTC, durations as numbers named after their unit. */
export function printJson(out: Output, document: Readonly<Record<string, unknown>>): void {
  out.write(`${JSON.stringify(document, null, 2)}\n`)
}

/** Prints one of several JSON documents, on a line of its own. */
export function printJsonLine(out: Output, document: Readonly<Record<string, unknown>>): void {
  out.write(`${JSON.stringify(document)}\n`)
}
