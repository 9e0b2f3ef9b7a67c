import { setTimeout as sleep } from 'node:timers/promises'
import { WORKER_ROLE } from './cluster.ts'
import { eventually } from './eventually.ts'
import { emptyDisk, fillDisk } from './gates.ts'
import type { Fault } from './matrix.ts'
import type { Held } from './points.ts'
import type { FaultyLine } from './proxy.ts'
import type { RiscWorkerProcess } from './risc-worker.ts'
import type { Stand } from './stand.ts'

/** What a fault is done to. */
export interface Scene {
  readonly stand: Stand
  readonly victim: RiscWorkerProcess
  readonly held: Held
}

/** A fault's whole course: resolves when it is over, and nothing but recovery remains. The victim has been released. */
type Course = (scene: Scene) => Promise<void>

/** How long an outage lasts: longer than any pause between two attempts of the worker. */
const OUTAGE_MS = 4000
/** Longer than a worker waits for an answer to a statement. */
const FREEZE_MS = 6000
const TERMINATIONS = 8

export const COURSES: Readonly<Record<Fault, Course>> = {
  async 'kill -9'({ victim, held }) {
    victim.kill('SIGKILL')
    await victim.ended()
    await held.release()
  },

  async 'SIGSTOP beyond the TTL'({ stand, victim, held }) {
    victim.kill('SIGSTOP')
    await stand.producer.stop()
    await eventually(() => declaredDead(stand, victim), `${victim.name} to be given up`)
    if (!held.frozen) await held.release()
    victim.kill('SIGCONT')
    await held.release()
  },

  async SIGTERM({ victim, held }) {
    victim.kill('SIGTERM')
    if (!held.frozen) await stopping(victim)
    await held.release()
    await victim.ended()
  },

  async 'second SIGTERM'({ victim, held }) {
    victim.kill('SIGTERM')
    await stopping(victim)
    victim.kill('SIGTERM')
    await victim.ended()
    await held.release()
  },

  async 'PostgreSQL restart fast'({ stand: { cluster }, held }) {
    await cluster.halt('fast')
    await cluster.resume()
    await held.release()
  },

  async 'PostgreSQL restart immediate'({ stand: { cluster }, held }) {
    await cluster.halt('immediate')
    await cluster.resume()
    await held.release()
  },

  async 'PostgreSQL stopped'({ stand: { cluster }, held }) {
    await cluster.halt('fast')
    await held.release()
    await sleep(OUTAGE_MS)
    await cluster.resume()
  },

  async 'PostgreSQL up late'({ stand: { cluster }, victim }) {
    await victim.saw(({ code }) => code === 'ECONNREFUSED', 'an attempt to connect')
    await sleep(OUTAGE_MS)
    await cluster.resume()
  },

  async 'backends terminated'({ stand, victim, held }) {
    for (let round = 0; round < TERMINATIONS; round++) {
      await eventually(() => terminate(stand, victim), `${victim.name} to connect again`)
      await held.release()
    }
  },

  async 'connections frozen'({ stand, held }) {
    const proxy = proxyOf(stand)
    proxy.freeze()
    try {
      await held.release()
      await sleep(FREEZE_MS)
    } finally {
      proxy.thaw()
    }
  },

  async 'connections cut'({ stand, held }) {
    proxyOf(stand).cut()
    await held.release()
  },

  async 'too many connections'({ stand, victim, held }) {
    await stand.db.query(`alter role ${WORKER_ROLE} connection limit 0`)
    try {
      await terminate(stand, victim)
      await held.release()
      const before = victim.logged.length
      await victim.saw((line) => victim.logged.indexOf(line) >= before && line['code'] === '53300', 'error 53300')
      await sleep(OUTAGE_MS)
    } finally {
      await stand.db.query(`alter role ${WORKER_ROLE} connection limit -1`)
    }
  },

  async 'disk full'({ stand, victim, held }) {
    await fillDisk(stand.db)
    try {
      const before = victim.logged.length
      await held.release()
      await victim.saw((line) => victim.logged.indexOf(line) >= before && line['code'] === '53100', 'error 53100')
      await sleep(OUTAGE_MS)
    } finally {
      await emptyDisk(stand.db)
    }
  },
}

const stopping = (worker: RiscWorkerProcess): Promise<void> => worker.saw(({ msg }) => msg === 'stopping', 'its stop')

/** Given up, and all that it held done by others. */
async function declaredDead({ db }: Stand, { name }: RiscWorkerProcess): Promise<true | undefined> {
  const { rows } = await db.query(
    `select exists (select from risc.workers where name = $1) or exists (select from risc.deliveries where state = 'queued')
     as waiting`,
    [name],
  )
  return rows[0]?.waiting === false || undefined
}

/** Cuts all workers off, once the victim is there to be cut off. */
async function terminate({ db }: Stand, { name }: RiscWorkerProcess): Promise<true | undefined> {
  const { rows } = await db.query(
    `select application_name as name, pg_terminate_backend(pid) from pg_stat_activity where usename = $1
     and exists (select from pg_stat_activity where application_name = $2)`,
    [WORKER_ROLE, name],
  )
  return rows.length > 0 || undefined
}

function proxyOf({ proxy }: Stand): FaultyLine {
  if (proxy === undefined) throw new Error('this stand has no proxy')
  return proxy
}
