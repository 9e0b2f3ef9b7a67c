import assert from 'node:assert/strict'
import { cut, type Host, mend, WORKER_HOSTS, type WorkerHost } from './network.ts'
import { countOwed, heldBy } from './queries.ts'
import type { Resumption, WatchedStage } from './watch.ts'

const MID_POST = 20

/** Cuts a worker off while it waits for answers, until other workers have sent all that it held. */
export async function strand(
  { pool, receivers, stranded, until, arrivalsFrom, sawAll, logOf }: WatchedStage,
  worker: WorkerHost,
  hosts: readonly Host[],
): Promise<Resumption> {
  const since = Date.now()
  receivers.hold(worker)
  await until(`${MID_POST} POSTs of ${worker}`, () => arrivalsFrom([worker], since).length >= MID_POST)
  const from = Date.now()
  await cut(worker, hosts)
  const jtis = new Set(await heldBy(pool, worker))
  stranded.push({ worker, jtis, loggedBefore: logOf(worker).length })
  receivers.release()
  const isStranded = ({ jti }: { readonly jti: string }): boolean => jtis.has(jti)
  assert(arrivalsFrom([worker], since).some(isStranded), `${worker} was cut off in the middle of a POST`)

  const others = WORKER_HOSTS.filter((other) => other !== worker)
  const takenOver = () =>
    new Map(
      arrivalsFrom(others, from)
        .filter(isStranded)
        .map(({ jti, at }) => [jti, at]),
    )
  await until(`others to send what ${worker} held`, () => takenOver().size === jtis.size)
  const flowedAt = Math.max(...takenOver().values())
  await until(`what ${worker} held to be settled`, async () => (await countOwed(pool, [...jtis])) === 0)
  await sawAll(others, from)
  return { from, flowedAt }
}

/** Mends the network, until the worker sends again and has said, too late, what became of what it held. */
export async function welcomeBack(
  { stranded, until, sawAll, logOf, catchUp }: WatchedStage,
  worker: WorkerHost,
  hosts: readonly Host[],
): Promise<Resumption> {
  const { jtis, loggedBefore } = stranded.findLast((one) => one.worker === worker) ?? assert.fail()
  const from = Date.now()
  await mend(worker, hosts)
  const flowedAt = await sawAll([worker], from)
  await until(`${worker} to tell what became of what it held`, () =>
    logOf(worker)
      .slice(loggedBefore)
      .some(({ jti }) => jtis.has(jti)),
  )
  await catchUp()
  return { from, flowedAt }
}
