import { until } from '../support/until.ts'
import { COURSES } from './faults.ts'
import { watchLateness } from './lateness.ts'
import { clearAll, describeLeftovers, findLeftovers, type Leftovers } from './leftovers.ts'
import type { Fault, Point } from './matrix.ts'
import { holdAt } from './points.ts'
import { PROMISED_MS } from './promises.ts'
import type { RiscWorkerProcess } from './risc-worker.ts'
import type { Stand } from './stand.ts'
import { judge, type Verdict } from './verdict.ts'

/** What became of all that was committed, and when. */
export interface Stock extends Verdict, Leftovers {
  /** From the end of the fault to the first SET. */
  readonly resumedAfterMs: number
  /** From the end of the fault until nothing was left to do. */
  readonly doneAfterMs: number
  /** How much of that the machine kept everybody waiting for the processor. */
  readonly lateMs: number
}

/** What one fault at one point came to. */
export interface CellResult extends Stock {
  readonly fault: Fault
  readonly point: Point
  /** How each process ended that did. */
  readonly exits: readonly string[]
  /** Of a worker that learned too late that it had been given up. */
  readonly rejectedSettles: number
}

/** Until it is over we look on, to tell what is late from what is lost. */
const PATIENCE_MS = 2 * PROMISED_MS
const BACKLOG = 60
const AFTERWARDS = 20

/** Commits, brings a worker to `point`, does the worst, and counts what became of everything. */
export async function runCell(stand: Stand, fault: Fault, point: Point): Promise<CellResult> {
  const { fleet, producer, receiver } = stand
  const before = receiver.arrivals.length
  const victim = await castVictim(stand, point)
  const [workers, logLength] = [fleet.living, victim.logged.length]

  const held = await holdAt(stand, point, victim)
  let overAt: number
  try {
    await COURSES[fault]({ stand, victim, held })
  } finally {
    overAt = performance.now()
    await held.release()
  }
  await held.finish()
  await producer.burst(AFTERWARDS)

  const stock = await takeStock(stand, { before, overAt })
  const complaints = victim.logged.slice(logLength).map(({ msg }) => String(msg))
  return {
    fault,
    point,
    ...stock,
    exits: workers.flatMap(({ end }) => end ?? []),
    rejectedSettles: complaints.filter((line) => line.startsWith('outcome was on record already')).length,
  }
}

/** Waits for the end of recovery, then counts. What arrived as one of the first `before` counts for duplicates alone. */
export async function takeStock(
  stand: Stand,
  { before, overAt }: { readonly before: number; readonly overAt: number },
): Promise<Stock> {
  const { producer, receiver, db } = stand
  const lateness = watchLateness()
  const leftovers = await untilDone(stand, overAt)
  const lateMs = lateness.stop()
  const doneAfterMs = performance.now() - overAt
  const known = new Map(receiver.arrivals.slice(0, before).map(({ jti, hash }) => [jti, hash]))
  const arrivals = receiver.arrivals.slice(before)
  const resumedAt = arrivals.find(({ jti, at }) => at >= overAt && !known.has(jti))?.at
  return {
    ...judge(await producer.reckon(db), arrivals, known),
    ...leftovers,
    resumedAfterMs: (resumedAt ?? Number.NaN) - overAt,
    doneAfterMs,
    lateMs,
  }
}

/** Has all workers at work with a backlog; `at start`, they come to it while the server is away. */
async function castVictim({ fleet, producer, cluster }: Stand, point: Point): Promise<RiscWorkerProcess> {
  if (point === 'at start') {
    await fleet.end('SIGTERM')
    await producer.burst(BACKLOG)
    await cluster.halt('fast')
    fleet.fill()
  } else {
    await fleet.complete()
    await producer.burst(BACKLOG)
  }
  return fleet.youngest
}

/** Waits until nothing is left, or until patience is. */
async function untilDone({ db, fleet }: Stand, overAt: number): Promise<Leftovers> {
  let leftovers: Leftovers | undefined
  const look = async (): Promise<true | undefined> => {
    leftovers = await findLeftovers(
      db,
      fleet.living.map(({ name }) => name),
    )
    const { settled_twice, ...waiting } = leftovers
    return Object.values(waiting).every((count) => count === 0) || undefined
  }
  try {
    await until(look, 'the end of recovery', overAt + PATIENCE_MS - performance.now())
  } catch (error) {
    console.error(`${error}\n${await describeLeftovers(db)}`)
  }
  if (leftovers === undefined) throw new Error('the database cannot be asked')
  return leftovers
}

/** Makes a clean table for the next cell after one that failed. */
export async function startOver(stand: Stand): Promise<void> {
  await stand.producer.stop()
  await stand.fleet.end('SIGKILL')
  await stand.cluster.resume()
  stand.proxy?.thaw()
  await clearAll(stand.db)
  await stand.producer.reckon(stand.db)
}
