import { printable } from '../table.ts'
import type { Arrival, Verdict } from './arrival.ts'

/** An arrival as one line of JSON. */
export function toJsonLine({ at, verdict, reply, delayMs, set, status, ...request }: Arrival): string {
  const answer = { answered: status ?? null, behaviour: reply.kind, delay_ms: delayMs }
  return `${JSON.stringify({ at, ...request, ...verdict, ...answer, ...set })}\n`
}

/** An arrival for people: what came of it, its headers, its SET. */
export function toParagraph(arrival: Arrival): string {
  const { n, at, method, path, headers, set, verdict } = arrival
  const lines = [
    `#${n} ${at.toISOString()} ${method} ${path}`,
    `   ${describe(verdict)}: ${describeAnswer(arrival)}`,
    ...Object.entries(headers).map(([name, value]) => `   ${name}: ${value}`),
    ...(set === undefined ? [] : [`   ${JSON.stringify(set.header)}`, ...toLines(set.claims)]),
  ]
  return `${lines.map((line) => `${printable(line)}\n`).join('')}\n`
}

function describe(verdict: Verdict): string {
  if (!verdict.verified) return ['not verified', verdict.err, verdict.description].filter(Boolean).join(', ')
  const { attempt, duplicate } = verdict
  return `verified, attempt ${attempt}${duplicate ? ', a duplicate of what was accepted' : ''}`
}

function describeAnswer({ reply, status, delayMs }: Arrival): string {
  const asked = delayMs > 0 ? ` in ${delayMs} ms, as asked` : ', as asked'
  switch (reply.kind) {
    case 'honest':
      return `answered ${status}${delayMs > 0 ? asked : ''}`
    case 'answer':
      return `answered ${status}${asked}`
    case 'drip':
      return `answered ${status} with a body that never ends${asked}`
    case 'reset':
      return `connection reset${asked}`
    case 'hang':
      return 'never answered, as asked'
    default:
      return reply satisfies never
  }
}

function toLines(value: unknown): string[] {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => `   ${line}`)
}
