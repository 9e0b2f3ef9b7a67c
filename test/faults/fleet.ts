import type { Pool } from 'pg'
import { eventually } from './eventually.ts'
import { type RiscWorkerProcess, startRiscWorker } from './risc-worker.ts'

/** The workers of one stand: as many as it takes, with those that ended replaced. */
export interface Fleet {
  /** Those that have not ended, in the order of their start. */
  readonly living: readonly RiscWorkerProcess[]
  /** The one that came last: the others have been there long enough to declare it dead. */
  readonly youngest: RiscWorkerProcess
  /** Starts what is missing, without waiting for it. */
  fill(): void
  /** Starts what is missing, and waits until it takes part. */
  complete(): Promise<void>
  /** Ends all by a signal, and waits for it. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Duplicates are bounded by the slots of all workers, so these are few. */
export const SLOTS = 10
export const WORKERS = 2

/** Keeps workers for `workerUrl`; looks after them by `db`. */
export function createFleet(workerUrl: string, db: Pool): Fleet {
  const all: RiscWorkerProcess[] = []
  const alive = (): RiscWorkerProcess[] => all.filter(({ end }) => end === undefined)

  function fill(): void {
    for (let missing = WORKERS - alive().length; missing > 0; missing--) {
      const name = `worker-${all.length + 1}`
      all.push(
        startRiscWorker(['run'], {
          databaseUrl: workerUrl,
          name,
          RISC_WORKER_NAME: name,
          RISC_CONCURRENCY: String(SLOTS),
          RISC_ALLOW_LOOPBACK: 'true',
        }),
      )
    }
  }

  return {
    get living() {
      return alive()
    },
    get youngest() {
      const youngest = alive().at(-1)
      if (youngest === undefined) throw new Error('no worker is alive')
      return youngest
    },
    fill,
    async complete() {
      fill()
      const names = alive().map(({ name }) => name)
      await eventually(async () => {
        const { rowCount } = await db.query('select from risc.workers where name = any ($1) and pool_id is not null', [
          names,
        ])
        return rowCount === WORKERS || undefined
      }, `${names} to take part`)
    },
    async end(signal) {
      const doomed = alive()
      for (const worker of doomed) worker.kill(signal)
      await Promise.all(doomed.map((worker) => worker.ended()))
    },
  }
}
