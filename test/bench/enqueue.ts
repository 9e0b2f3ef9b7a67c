import { Client } from 'pg'
import { compareEnqueue, prepareUsers, works } from './enqueue-work.ts'
import type { Findings, Table } from './findings.ts'
import { definePart, type Part } from './part.ts'
import { type Contenders, NO_REDIS, withContenders } from './peers/open-contenders.ts'
import { promises } from './promises.ts'
import { compare, measure, type Rate, ratio, spread } from './rounds.ts'
import { onSite, type Site } from './site.ts'

const FEW = 16
const MANY = 64
/** Network storage syncs in milliseconds where a disk in the machine may take a tenth of one. */
const SLOW_SYNC_MS = 2
const ON_SLOW_DISK: readonly string[] = [works.signed, works.enqueue, works.addJob, works.addJobUnsigned]

interface Options extends Record<string, number> {
  readonly rounds: number
  readonly seconds: number
}

/** What a signed event costs the IdP's transactions, beside an insert by hand and what somebody would do instead. */
export const part: Part = definePart<Options>({
  name: 'enqueue',
  about: 'the IdP’s transactions with one event each, over 16 and 64 connections',
  minutes: 5,
  options: { rounds: 5, seconds: 2 },
  quick: { rounds: 1, seconds: 1 },
  run: (options) => onSite((site) => withContenders(site, (contenders) => compareAll(site, contenders, options))),
})

async function compareAll(site: Site, contenders: Contenders, options: Options): Promise<Findings> {
  const clients = Array.from({ length: MANY }, () => new Client({ connectionString: site.databaseUrl }))
  try {
    for (const client of clients) await client.connect()
    const [admin] = clients
    if (admin) await prepareUsers(admin)
    const { compared, setBytes } = await compareEnqueue(clients, contenders)
    const reset = () => emptyAll(site, contenders)
    const few = await measure(compared, { ...options, connections: FEW, reset })
    const many = await measure(compared, { ...options, connections: MANY, reset })
    await slowSyncs(clients)
    const onSlowDisk = await measure(
      compared.filter(({ name }) => ON_SLOW_DISK.includes(name)),
      { ...options, connections: MANY, reset },
    )
    return {
      postgres: `${site.postgres}; SETs of ${setBytes} bytes`,
      tables: [
        tableOf(few, `${FEW} connections`, options),
        tableOf(many, `${MANY} connections`, options),
        tableOf(onSlowDisk, `${MANY} connections, each sync ${SLOW_SYNC_MS} ms longer (commit_delay)`, options),
      ],
      verdicts: [
        promises.enqueueToHand.judge(between(few, works.enqueue, works.signed)),
        promises.enqueueToAddJob.judge(between(many, works.enqueue, works.addJob)),
      ],
      plot: {
        kind: 'bars',
        unit: `transactions per second, ${FEW} connections`,
        bars: few.map(({ name, perSecond }) => ({ name, value: spread(perSecond) })),
      },
      notes: contenders.bullMq ? [] : [NO_REDIS],
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

/** Whoever writes the log out for all that commit waits that much before. */
async function slowSyncs(clients: readonly Client[]): Promise<void> {
  for (const client of clients) {
    await client.query(`set commit_delay = ${SLOW_SYNC_MS * 1000}`)
    await client.query('set commit_siblings = 0')
  }
}

async function emptyAll({ pool }: Site, contenders: Contenders): Promise<void> {
  for (const contender of Object.values(contenders)) await contender?.empty()
  await pool.query('checkpoint')
}

function tableOf(rates: readonly Rate[], where: string, { rounds, seconds }: Options): Table {
  const signed = rateOf(rates, works.signed)
  return {
    caption: `${where}, ${rounds} interleaved rounds of ${seconds} s each`,
    columns: [
      { name: 'the user’s update and' },
      { name: 'transactions per second' },
      { name: `to “${works.signed}”`, digits: 2 },
    ],
    rows: rates.map((rate) => [rate.name, spread(rate.perSecond), signed ? ratio(rate, signed) : null]),
  }
}

function between(rates: readonly Rate[], name: string, other: string): number {
  return compare(rateOf(rates, name)?.perSecond ?? [], rateOf(rates, other)?.perSecond ?? []).median
}

function rateOf(rates: readonly Rate[], name: string): Rate | undefined {
  return rates.find((rate) => rate.name === name)
}
