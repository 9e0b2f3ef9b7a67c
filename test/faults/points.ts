import { eventually } from './eventually.ts'
import { closeGate, type Gate, type GatePoint } from './gates.ts'
import type { Point } from './matrix.ts'
import { type RiscWorkerProcess, startRiscWorker } from './risc-worker.ts'
import { REFUSED_USER, REFUSING_STREAM, type Stand } from './stand.ts'

/** A worker that has been brought to a point and is kept there. */
export interface Held {
  /** Whether it is SIGSTOP that keeps it: it sees no signal and logs nothing. */
  readonly frozen: boolean
  /** Lets it go on. May be called more than once, and whatever has become of the worker or the server. */
  release(): Promise<void>
  /** When the fault is over: ends what an operator had begun. */
  finish(): Promise<void>
}

const OPERATOR = 'operator'
const DEAD_LETTERS = 20

const nothing = async (): Promise<void> => undefined

/** Brings `victim` to `point`, with what the producer has committed and goes on committing. */
export function holdAt(stand: Stand, point: Point, victim: RiscWorkerProcess): Promise<Held> {
  switch (point) {
    case 'at start':
      return Promise.resolve({ frozen: false, release: nothing, finish: nothing })
    case 'during fetch':
      return atGate(stand, 'fetch', victim)
    case 'before claim':
      return atGate(stand, 'before claim', victim)
    case 'after claim':
      return afterClaim(stand, victim)
    case 'during the POST':
      return duringPost(stand, victim)
    case 'after the 202':
      return afterAnswer(stand, victim)
    case 'during settle':
      return atGate(stand, 'settle', victim)
    case 'during dispatch':
      return atGate(stand, 'dispatch', victim)
    case 'during maintenance':
      return duringMaintenance(stand, victim)
    case 'during retry':
      return duringRetry(stand)
    default:
      return point satisfies never
  }
}

async function closeGateTo({ db, cluster }: Stand, point: GatePoint, name: string): Promise<Gate> {
  return closeGate(db, cluster.url, point, name)
}

async function atGate(stand: Stand, point: GatePoint, { name }: RiscWorkerProcess): Promise<Held> {
  const gate = await closeGateTo(stand, point, name)
  stand.producer.start()
  await gate.reached()
  return { frozen: false, release: gate.open, finish: nothing }
}

/** The claim is committed, but the worker has not read that yet. */
async function afterClaim(stand: Stand, victim: RiscWorkerProcess): Promise<Held> {
  const gate = await closeGateTo(stand, 'after claim', victim.name)
  stand.producer.start()
  const backend = await gate.reached()
  victim.kill('SIGSTOP')
  await gate.open()
  await eventually(async () => {
    const { rows } = await stand.db.query('select state from pg_stat_activity where pid = $1', [backend])
    return rows[0]?.state === 'idle' || undefined
  }, 'the claim to be committed')
  return { frozen: true, release: async () => victim.kill('SIGCONT'), finish: nothing }
}

/** The partner has read the whole request and has not answered. */
async function duringPost(stand: Stand, victim: RiscWorkerProcess): Promise<Held> {
  const answers = holdAnswersTo(stand, victim)
  stand.producer.start()
  await answers.reached()
  return { frozen: false, release: answers.release, finish: nothing }
}

/** The answer is on its way, in the worker's socket at the latest, and the worker does not read it. */
async function afterAnswer(stand: Stand, victim: RiscWorkerProcess): Promise<Held> {
  const answers = holdAnswersTo(stand, victim)
  stand.producer.start()
  await answers.reached()
  victim.kill('SIGSTOP')
  await answers.release()
  return { frozen: true, release: async () => victim.kill('SIGCONT'), finish: nothing }
}

function holdAnswersTo({ receiver, db }: Stand, { name }: RiscWorkerProcess) {
  return receiver.hold(async (jti) => {
    const { rowCount } = await db
      .query('select from risc.pending where jti = $1 and worker = $2', [jti, name])
      .catch(() => ({ rowCount: 0 })) // the server is away
    return rowCount === 1
  })
}

/** With something to do: hand-overs whose jobs are lost, as after a crash. */
async function duringMaintenance(stand: Stand, { name }: RiscWorkerProcess): Promise<Held> {
  const gate = await closeGateTo(stand, 'maintain', name)
  await stand.db.query(`insert into risc.inflight (delivery_id, stream_id, job_id, dispatched_at)
    select d.id, d.stream_id, 0, now() - interval '1 minute' from risc.deliveries d on conflict do nothing`)
  stand.producer.start()
  await gate.reached()
  return { frozen: false, release: gate.open, finish: nothing }
}

/** An operator's command is in the middle of beginning a redrive; if the fault ends it, it is given again. */
async function duringRetry(stand: Stand): Promise<Held> {
  const { db, receiver, producer, workerUrl } = stand
  receiver.refusing = true
  await producer.burst(DEAD_LETTERS, REFUSED_USER)
  await eventually(async () => {
    const { rowCount } = await db.query('select from risc.dead')
    return rowCount === DEAD_LETTERS || undefined
  }, 'the dead letters')
  receiver.refusing = false

  const retry = () =>
    startRiscWorker(['retry', '--dead', '--stream', REFUSING_STREAM], { databaseUrl: workerUrl, name: OPERATOR })
  const gate = await closeGateTo(stand, 'retry', OPERATOR)
  producer.start()
  let command = retry()
  await gate.reached()
  return {
    frozen: false,
    release: gate.open,
    async finish() {
      await eventually(async () => {
        if ((await command.ended()) === '0') return true
        command = retry()
        return undefined
      }, 'the operator to succeed')
    },
  }
}
