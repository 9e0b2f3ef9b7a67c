import assert from 'node:assert/strict'
import { cut, type Host, mend, WORKER_HOSTS, type WorkerHost } from './network.ts'
import { countOwed, heldBy } from './queries.ts'
import type { Resumption, WatchedStage } from './watch.ts'

const MID_POST = 20

/** Cuts a worker off from everybody while it waits for answers, until others wait for the same answers in its place. */
export async function loseWorker(stage: WatchedStage, worker: WorkerHost): Promise<Resumption> {
  const { from, jtis } = await strand(stage, worker, ['db', 'receivers'])
  stage.receivers.holdSets(jtis) // so that it comes back while these are in the hands of others
  return { from, flowedAt: await takeOver(stage, worker, jtis, from) }
}

/** Lets it come back, and say what became of its deliveries while others hold them: it must not be listened to. */
export async function welcomeBack(stage: WatchedStage, worker: WorkerHost): Promise<Resumption> {
  const from = Date.now()
  await mend(worker, ['db', 'receivers'])
  const jtis = await hearLateWords(stage, worker)
  stage.receivers.release()
  await stage.until(`what ${worker} held to be settled`, async () => (await countOwed(stage.pool, jtis)) === 0)
  return { from, flowedAt: await flowAgain(stage, worker, from) }
}

/** Takes the database from a worker that still gets its answers, until others have delivered all that it held. */
export async function loseDatabase(stage: WatchedStage, worker: WorkerHost): Promise<Resumption> {
  const { from, jtis } = await strand(stage, worker, ['db'])
  stage.receivers.release()
  const flowedAt = await takeOver(stage, worker, jtis, from)
  await stage.until(`what ${worker} held to be settled`, async () => (await countOwed(stage.pool, jtis)) === 0)
  return { from, flowedAt }
}

/** Gives it the database back, to which it says that it has delivered what others have delivered since. */
export async function findDatabase(stage: WatchedStage, worker: WorkerHost): Promise<Resumption> {
  const from = Date.now()
  await mend(worker, ['db'])
  await hearLateWords(stage, worker)
  return { from, flowedAt: await flowAgain(stage, worker, from) }
}

/** Returns when the worker was cut off in the middle of POSTs, and what it held. */
async function strand(
  { pool, receivers, stranded, until, arrivalsFrom, logOf }: WatchedStage,
  worker: WorkerHost,
  hosts: readonly Host[],
): Promise<{ readonly from: number; readonly jtis: readonly string[] }> {
  const since = Date.now()
  receivers.holdFrom(worker)
  await until(`${MID_POST} POSTs of ${worker}`, () => arrivalsFrom([worker], since).length >= MID_POST)
  const from = Date.now()
  await cut(worker, hosts)
  const jtis = await heldBy(pool, worker)
  stranded.push({ worker, jtis: new Set(jtis), loggedBefore: logOf(worker).length })
  const midPost = arrivalsFrom([worker], since).filter(({ jti }) => jtis.includes(jti))
  assert(midPost.length > 0, `${worker} was not cut off in the middle of a POST`)
  return { from, jtis }
}

/** Waits until the other workers, none of which stands still, have sent these. Returns when the last one came. */
async function takeOver(
  { until, arrivalsFrom, sawAll }: WatchedStage,
  worker: WorkerHost,
  jtis: readonly string[],
  from: number,
): Promise<number> {
  const others = WORKER_HOSTS.filter((other) => other !== worker)
  await sawAll(others, from)
  const firstAt = () =>
    new Map(
      arrivalsFrom(others, from)
        .toReversed()
        .map(({ jti, at }) => [jti, at]),
    )
  await until(`others to send what ${worker} held`, () => jtis.every((jti) => firstAt().has(jti)))
  return Math.max(...jtis.map((jti) => firstAt().get(jti) ?? 0))
}

/** Waits until a worker has told what became, as it saw it, of what it held. Returns what that was. */
async function hearLateWords({ stranded, until, logOf }: WatchedStage, worker: WorkerHost): Promise<readonly string[]> {
  const { jtis, loggedBefore } = stranded.findLast((one) => one.worker === worker) ?? assert.fail()
  const late = () => logOf(worker).slice(loggedBefore)
  await until(`${worker} to tell what became of what it held`, () => late().some(({ jti }) => jtis.has(jti)))
  return [...jtis]
}

async function flowAgain({ sawAll, catchUp }: WatchedStage, worker: WorkerHost, from: number): Promise<number> {
  const flowedAt = await sawAll([worker], from)
  await catchUp()
  return flowedAt
}
