import { happen } from './happen.ts'
import { TAXES_TIMEOUT_MS } from './partners.ts'
import { print, printHeading, printView } from './print.ts'
import type { WorkerProcess } from './risc-worker.ts'
import type { Stage } from './stage.ts'
import { afterTheKill, type Scene, whileTaxesHangs } from './story.ts'
import { listHealth, listPending, listUnsettled } from './views.ts'
import { waitUntil } from './wait-until.ts'

/** What is to be known of the time in which taxes gave no answer. */
export interface Outage {
  /** What happened in it. */
  readonly scenes: readonly Scene[]
  /** All SETs that were committed in it. */
  readonly jtis: ReadonlySet<string>
  /** What the killed worker held. */
  readonly interrupted: ReadonlySet<string>
  /** When taxes began to answer again, by the clock of `performance`. */
  readonly recoveredAt: number
}

/** Lets taxes hang and a worker die with SETs in its hands, until nothing stands in the way of what is owed. */
export async function playOutage(stage: Stage): Promise<Outage> {
  const { db, workers } = stage
  printHeading('Taxes hangs, and a worker is killed')
  stage.serverOf('taxes').hang()
  print('taxes', 'takes requests from now on, and answers none', 'yellow')
  const before = await Promise.all(whileTaxesHangs.map((scene) => happen(scene, stage)))
  const { victim, interrupted } = await killInMidPost(stage)
  const killedAt = performance.now()
  await printView(`risc.pending, with what ${victim.name} held when it died`, listPending(db))

  printHeading('Nobody else waits for taxes, nor for the dead worker')
  const after = await goOn(stage)
  await waitUntil(`what ${victim.name} held is taken back`, workers, () => isTakenBack(victim, stage))
  const seconds = ((performance.now() - killedAt) / 1000).toFixed(1)
  print('workers', `what ${victim.name} held was taken back ${seconds} s after its death, for whoever is left`)
  await waitUntil('the breaker of taxes opens', workers, () => isBreakerOpen(stage))
  await printView('risc.stream_health, with the breaker of taxes open', listHealth(db))

  printHeading('Taxes recovers')
  const recoveredAt = await recover(stage)
  return {
    scenes: [...whileTaxesHangs, ...afterTheKill],
    jtis: new Set([...before, ...after].flat().map(({ jti }) => jti)),
    interrupted,
    recoveredAt,
  }
}

/** Kills the worker that holds most of what taxes does not answer, once nothing else is owed to anybody. */
async function killInMidPost({ db, arrivals, workers }: Stage) {
  const isInMidPost = (jti: string) =>
    arrivals.all.some(
      (arrival) =>
        arrival.jti === jti && arrival.status === undefined && performance.now() - arrival.at < TAXES_TIMEOUT_MS / 2,
    )
  const victim = await waitUntil('a worker waits for taxes, and for nothing else', workers, async () => {
    const unsettled = await listUnsettled(db)
    if (unsettled.some(({ stream_id }) => stream_id !== 'taxes')) return undefined
    const held = ({ name }: WorkerProcess) =>
      unsettled.filter(({ jti, worker }) => worker === name && isInMidPost(jti)).length
    const busiest = workers.toSorted((a, b) => held(b) - held(a))[0]
    return busiest !== undefined && held(busiest) > 0 && busiest
  })
  await victim.kill()

  const left = (await listUnsettled(db)).filter(({ worker }) => worker === victim.name)
  if (left.length === 0) throw new Error(`${victim.name} was to die with SETs in its hands, and had none`)
  print(victim.name, `killed (SIGKILL) in mid-POST, with ${left.length} SETs for taxes in its hands`, 'red')
  return { victim, interrupted: new Set(left.map(({ jti }) => jti)) }
}

/** Waits for taxes alone, so that whoever else had to wait would come too late. */
async function goOn(stage: Stage) {
  const told = []
  for (const scene of afterTheKill) {
    const deliveries = await happen(scene, stage)
    const ofTaxes = deliveries.filter(({ streamId }) => streamId === 'taxes').map(({ jti }) => jti)
    await waitUntil('taxes has the SET in hand, or is not asked for now', stage.workers, async () => {
      return stage.arrivals.haveCome(ofTaxes) || isBreakerOpen(stage)
    })
    told.push(deliveries)
  }
  return told
}

/** A claim whose worker is not on record any more would be stuck for good. */
async function isTakenBack({ name }: WorkerProcess, { db }: Stage): Promise<boolean> {
  const unsettled = await listUnsettled(db)
  return unsettled.every(({ worker, claimed_at }) => worker !== name && (worker !== null || claimed_at === null))
}

async function isBreakerOpen({ db }: Stage): Promise<boolean> {
  const streams = await listHealth(db)
  return streams.some(({ stream_id, breaker_open_because }) => stream_id === 'taxes' && breaker_open_because !== null)
}

/** A failure of what still hung would be news to a breaker that was asked to try, so all of these come first. */
async function recover({ db, workers, serverOf }: Stage): Promise<number> {
  const taxes = serverOf('taxes')
  const recoveredAt = performance.now()
  taxes.recover()
  print('taxes', 'drops what hangs, and answers again, at a new address', 'green')
  await waitUntil('nothing is under way that hung', workers, async () => {
    const unsettled = await listUnsettled(db)
    return unsettled.every(({ state }) => state !== 'dispatched')
  })

  const endpointUrl = `${taxes.origin}/mended`
  print('psql', `update risc.streams set endpoint_url = '${endpointUrl}' where id = 'taxes'`, 'dim')
  await db.updateTable('risc.streams').set({ endpoint_url: endpointUrl }).where('id', '=', 'taxes').execute()
  return recoveredAt
}
