import { type Kysely, sql } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { knownSchemaVersion, readSchemaVersion, schemaProblem } from '../../schema-version.ts'
import { listMissingRights, mayVacuum } from '../queries/rights.ts'
import { readLiveWorkers } from '../queries/workers.ts'
import { explained, type Finding, ok, problem, warning } from './finding.ts'

/** Checks that the schema is the one that this version works with. */
export async function checkSchemaVersion(db: Kysely<OutboxDatabase>): Promise<Finding> {
  const found = await readSchemaVersion({
    query: (text) => sql.raw<Record<string, unknown>>(text).execute(db),
  })
  const wrong = schemaProblem(found, knownSchemaVersion())
  return wrong === undefined ? ok('schema', 'is the one of this version') : explained('schema', 'problem', wrong)
}

/** Checks that the role of `DATABASE_URL` may do what a worker does. */
export async function checkRights(db: Kysely<OutboxDatabase>): Promise<Finding> {
  const missing = await listMissingRights(db, 'work')
  if (missing.length > 0) {
    const advice = 'let the owner run `risc-worker migrate --grant-work <role>`'
    return problem('rights', `the role lacks ${missing.join(', ')}`, advice)
  }
  const vacuum = (await mayVacuum(db))
    ? ''
    : '; before PostgreSQL 17 vacuum of risc.inflight and of jobs is left to autovacuum'
  return ok('rights', `the role may do what a worker does${vacuum}`)
}

/** Checks that somebody delivers. */
export async function checkWorkers(db: Kysely<OutboxDatabase>): Promise<Finding> {
  const workers = await readLiveWorkers(db)
  if (workers.length === 0) {
    return warning('workers', 'none is alive: nothing is delivered', 'start one with `risc-worker run`')
  }
  const slots = workers.reduce((sum, worker) => sum + worker.slots, 0)
  return ok('workers', `${workers.length} alive with ${slots} slots: ${workers.map(({ name }) => name).join(', ')}`)
}
