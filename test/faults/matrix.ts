/** What a worker is in the middle of when the fault comes. */
export const POINTS = [
  'at start',
  'during fetch',
  'before claim',
  'after claim',
  'during the POST',
  'after the 202',
  'during settle',
  'during dispatch',
  'during maintenance',
  'during retry',
] as const

export type Point = (typeof POINTS)[number]

export const FAULTS = [
  'kill -9',
  'SIGSTOP beyond the TTL',
  'SIGTERM',
  'second SIGTERM',
  'PostgreSQL restart fast',
  'PostgreSQL restart immediate',
  'PostgreSQL stopped',
  'PostgreSQL up late',
  'backends terminated',
  'connections frozen',
  'connections cut',
  'too many connections',
  'disk full',
] as const

export type Fault = (typeof FAULTS)[number]

/** Whether all cells are wanted, in several rounds, and not only what fits into a few minutes. */
export const FULL: boolean = process.env['FAULTS'] === 'full'

const FROZEN: readonly Point[] = ['after claim', 'after the 202']

const BETWEEN: readonly Fault[] = ['PostgreSQL restart fast', 'connections frozen', 'connections cut']

/** Why there is no such cell; `undefined` if there is. */
export function reasonToSkip(fault: Fault, point: Point): string | undefined {
  if (fault === 'PostgreSQL up late') return point === 'at start' ? undefined : 'a start has no other point'
  if (point === 'at start') return 'nothing is held yet'
  if (fault === 'second SIGTERM' && FROZEN.includes(point)) return 'signals to a process held by SIGSTOP count once'
  if (FULL) return undefined
  if (fault === 'second SIGTERM' && !['during the POST', 'during settle'].includes(point)) return 'as kill -9 there'
  if (point === 'during fetch' && !BETWEEN.includes(fault)) return 'as before claim'
  if (fault === 'disk full' && ['before claim', 'after claim'].includes(point)) return 'as during the POST'
  return undefined
}
