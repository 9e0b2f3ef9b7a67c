import { startPostgres } from 'example-local-postgres'
import { Client } from 'pg'
import { migrate } from 'risc-worker'
import { compareEnqueue, prepareUsers } from './enqueue-work.ts'
import { measure, type Rate, ratio, spread } from './rounds.ts'

const CONNECTIONS = 16
const ROUNDS = 7
const SECONDS = 2
const PROMISED_RATIO = 0.5

/**
 * What the outbox costs the IdP's transactions, on a PostgreSQL that syncs to disk. Fails if the statements of `enqueue`
 * commit at less than half the rate of an insert by hand.
 */
export async function run(): Promise<void> {
  const postgres = await startPostgres({ durable: true })
  const clients: Client[] = []
  try {
    await migrate(postgres.url)
    for (let n = 0; n < CONNECTIONS; n++) {
      const client = new Client({ connectionString: postgres.url })
      clients.push(client)
      await client.connect()
    }
    const [admin] = clients
    if (admin === undefined) return
    await prepareUsers(admin)
    const { works, setBytes } = await compareEnqueue(clients)
    const rates = await measure(works, {
      rounds: ROUNDS,
      seconds: SECONDS,
      connections: CONNECTIONS,
      reset: async () => {
        await admin.query('truncate risc.deliveries; truncate risc_worker._private_jobs; checkpoint')
      },
    })
    const { rows } = await admin.query(
      "select current_setting('server_version') as version, current_setting('fsync') as fsync",
    )
    report(rates, `PostgreSQL ${rows[0].version}, fsync ${rows[0].fsync}, SET of ${setBytes} bytes`)
  } finally {
    await Promise.all(clients.map((client) => client.end()))
    await postgres.stop()
  }
}

function report(rates: readonly Rate[], conditions: string): void {
  const [base] = rates
  if (base === undefined) return
  const lines = rates.map((rate) => ({ name: rate.name, perSecond: spread(rate.perSecond), ratio: ratio(rate, base) }))
  console.log(`${conditions}; ${CONNECTIONS} connections, ${ROUNDS} interleaved rounds of ${SECONDS} s each`)
  console.log(`${'transactions'.padEnd(28)}  tx/s (least … most)        to a (least … most)`)
  for (const { name, perSecond, ratio } of lines) {
    const rate = `${perSecond.median.toFixed(0)} (${perSecond.min.toFixed(0)} … ${perSecond.max.toFixed(0)})`
    const toBase = `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} … ${ratio.max.toFixed(2)})`
    console.log(`${name.padEnd(28)}  ${rate.padEnd(25)}  ${toBase}`)
  }
  console.log(JSON.stringify({ bench: 'enqueue', conditions, connections: CONNECTIONS, rates: lines }))

  const promised = lines.find(({ name }) => name.startsWith('b'))
  if (promised === undefined || promised.ratio.median < PROMISED_RATIO) {
    console.error(`the statements of enqueue commit at less than ${PROMISED_RATIO} times the rate of an insert by hand`)
    process.exitCode = 1
  }
}
