import { startPostgres } from 'example-local-postgres'
import { Kysely, PostgresDialect } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { migrate } from 'risc-worker'
import { type Arrivals, watchArrivals } from './arrivals.ts'
import type { Cleanup } from './cleanup.ts'
import { type Idp, installIdp, startIdp } from './idp/idp.ts'
import { readAccounts } from './partner-accounts.ts'
import { type Partner, type PartnerServer, partners, startPartner } from './partners.ts'
import { openPool } from './pool.ts'
import { print } from './print.ts'
import { runCommand, startWorker, type WorkerProcess } from './risc-worker.ts'
import { countWorkers } from './views.ts'
import { waitUntil } from './wait-until.ts'

/** All that takes part. */
export interface Stage {
  readonly databaseUrl: string
  /** For a look at the outbox, as an operator has it. */
  readonly db: Kysely<OutboxDatabase>
  readonly idp: Idp
  readonly arrivals: Arrivals
  readonly workers: readonly WorkerProcess[]
  serverOf(partner: Partner['id']): PartnerServer
}

const WORKERS = ['worker-1', 'worker-2']

/** Starts everything, each thing noted in `cleanup` before the next is started. */
export async function setStage(cleanup: Cleanup): Promise<Stage> {
  const postgres = await startPostgres()
  await cleanup.later(postgres.stop)
  const databaseUrl = postgres.url
  const { applied } = await migrate(databaseUrl)
  print('database', `PostgreSQL at ${new URL(databaseUrl).host}, ${applied.length} migrations`)

  await installIdp(databaseUrl)
  const idp = await startIdp(databaseUrl)
  await cleanup.later(idp.stop)
  print('IdP', `tables and users in schema idp, keys at ${idp.jwksUrl}`)

  const arrivals = watchArrivals(idp.jwksUrl, await readAccounts(idp.db))
  const servers = new Map<Partner['id'], PartnerServer>()
  const addWith = { databaseUrl, idp, arrivals, cleanup }
  await Promise.all(partners.map(async (partner) => servers.set(partner.id, await addPartner(partner, addWith))))

  const workers = WORKERS.map((name) => startWorker(name, databaseUrl))
  for (const { stop } of workers) await cleanup.later(stop)
  const db = new Kysely<OutboxDatabase>({ dialect: new PostgresDialect({ pool: openPool(databaseUrl) }) })
  await cleanup.later(() => db.destroy())
  await waitUntil('both workers are ready', workers, async () => (await countWorkers(db)) === WORKERS.length)
  print('workers', `${WORKERS.join(' and ')}: two processes of \`risc-worker run\``)
  return { databaseUrl, db, idp, arrivals, workers, serverOf }

  function serverOf(partner: Partner['id']): PartnerServer {
    const server = servers.get(partner)
    if (server === undefined) throw new Error(`${partner} is not on stage`)
    return server
  }
}

type PartnerSurroundings = Pick<Stage, 'databaseUrl' | 'idp' | 'arrivals'> & { readonly cleanup: Cleanup }

/** Starts a partner's endpoint, and adds a stream for it with the command that an operator would use. */
async function addPartner(
  partner: Partner,
  { databaseUrl, idp, arrivals, cleanup }: PartnerSurroundings,
): Promise<PartnerServer> {
  const server = await startPartner(partner, idp.jwksUrl, arrivals.note)
  await cleanup.later(server.stop)
  const { id, profile, registeredAs, settings } = partner
  const what = ['--url', `${server.origin}/events`, '--audience', registeredAs, '--profile', profile]
  const args = ['stream', 'add', id, ...what, ...settings]
  await runCommand(args, databaseUrl)
  print('$', `risc-worker ${args.join(' ')}`, 'dim')
  return server
}
