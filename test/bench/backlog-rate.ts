import { addBacklog } from './backlog.ts'
import { type Condition, compareConditions, STREAMS } from './conditions.ts'
import { definePart, type Part } from './part.ts'
import { promises } from './promises.ts'
import { onSite, type Site } from './site.ts'

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly deliveries: number
  readonly some: number
  readonly many: number
}

const LIVE = Array.from({ length: STREAMS }, (_, n) => `stream-${n + 1}`)

/** Whether deliveries slow down for what waits: behind a paused stream, and behind those that are being delivered. */
export const part: Part = definePart<Options>({
  name: 'backlog',
  about: 'the rate with nothing, ten thousand and a million deliveries waiting',
  minutes: 8,
  options: { rounds: 3, deliveries: 12_000, some: 10_000, many: 1_000_000 },
  quick: { rounds: 1, deliveries: 400, some: 200, many: 2000 },
  run: ({ some, many, ...options }) =>
    onSite(async (site) => {
      await addPausedStream(site)
      const conditions: Condition[] = [
        { name: 'nothing else', prepare: async () => undefined },
        ...[some, many].flatMap((count) => [
          { name: `${count} of a paused stream`, prepare: waitingFor(['paused'], count) },
          { name: `${count} more of the same streams`, prepare: waitingFor(LIVE, count) },
        ]),
      ]
      const judge = (ratio: number, name: string) =>
        name.startsWith(`${many} `) ? [promises.backlog.judge(ratio)] : []
      return compareConditions(site, conditions, { ...options, judge })
    }),
})

async function addPausedStream({ pool, receiver }: Site): Promise<void> {
  await pool.query(
    `insert into risc.streams (id, endpoint_url, audience, status) values ('paused', $1, '{https://partner.example}', 'paused')`,
    [`${receiver.url}/paused`],
  )
}

function waitingFor(streamIds: readonly string[], count: number): Condition['prepare'] {
  return ({ pool }) => addBacklog(pool, streamIds, { perStream: Math.ceil(count / streamIds.length) })
}
