import { cut, mend, WORKER_HOSTS } from './network.ts'
import { countLeft, countTroubledStreams, countWorkers } from './queries.ts'
import { STREAMS } from './stage.ts'
import { findDatabase, loseDatabase, loseWorker, welcomeBack } from './strand.ts'
import type { Resumption, WatchedStage } from './watch.ts'

/** A part of the story. */
export interface Phase {
  readonly name: string
  /** Resolves once all that has to happen has happened. */
  readonly play: (stage: WatchedStage) => Promise<Resumption | undefined>
}

const ENOUGH_ARRIVALS = 400
/** Longer than a worker may be silent. After an outage everybody has been, and nobody may be taken for dead. */
const SILENT_SECONDS = 16

export const story: readonly Phase[] = [
  { name: 'all hosts up', play: begin },
  { name: 'worker-1 cut off in mid-POST', play: (stage) => loseWorker(stage, 'worker-1') },
  { name: 'worker-1 back', play: (stage) => welcomeBack(stage, 'worker-1') },
  { name: 'receivers cut off', play: cutOffReceivers },
  { name: 'receivers back', play: mendReceivers },
  { name: 'database cut off from worker-2', play: (stage) => loseDatabase(stage, 'worker-2') },
  { name: 'worker-2 has it back', play: (stage) => findDatabase(stage, 'worker-2') },
  { name: 'database cut off from all workers', play: cutOffDatabase },
  { name: 'database back', play: mendDatabase },
  { name: 'the rest', play: end },
]

async function begin({ receivers, until, sawAll }: WatchedStage): Promise<Resumption> {
  const from = Date.now()
  const flowedAt = await sawAll(WORKER_HOSTS, from)
  await until(`${ENOUGH_ARRIVALS} SETs`, () => receivers.arrivals.length >= ENOUGH_ARRIVALS)
  return { from, flowedAt }
}

async function cutOffReceivers({ pool, until }: WatchedStage): Promise<undefined> {
  await cut('receivers', WORKER_HOSTS)
  await until('failed attempts of every stream', async () => (await countTroubledStreams(pool)) === STREAMS.length)
}

async function mendReceivers({ until, arrivalsFrom, catchUp }: WatchedStage): Promise<Resumption> {
  const from = Date.now()
  await mend('receivers', WORKER_HOSTS)
  const flowing = () => new Set(arrivalsFrom(WORKER_HOSTS, from).map(({ stream }) => stream))
  await until('SETs for every stream', () => flowing().size === STREAMS.length)
  const flowedAt = Date.now()
  await catchUp()
  return { from, flowedAt }
}

async function cutOffDatabase({ pool, until }: WatchedStage): Promise<undefined> {
  await cut('db', WORKER_HOSTS)
  await until('all workers to fall silent', async () => (await countWorkers(pool, SILENT_SECONDS)) === 0)
}

async function mendDatabase({ sawAll, catchUp }: WatchedStage): Promise<Resumption> {
  const from = Date.now()
  await mend('db', WORKER_HOSTS)
  const flowedAt = await sawAll(WORKER_HOSTS, from)
  await catchUp()
  return { from, flowedAt }
}

async function end({ pool, producer, until }: WatchedStage): Promise<undefined> {
  await producer.stop()
  await until('nothing to be owed', async () => (await countLeft(pool)) === 0)
}
