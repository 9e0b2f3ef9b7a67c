import type { Pool } from 'pg'

/** What is in the database when everything should be done. All of it should be 0. */
export interface Leftovers {
  readonly deliveries: number
  readonly inflight: number
  readonly jobs: number
  /** Workers on record that are no more. */
  readonly dead_workers: number
  /** SETs that were recorded as delivered more than once. */
  readonly settled_twice: number
}

export async function findLeftovers(db: Pool, living: readonly string[]): Promise<Leftovers> {
  const { rows } = await db.query<Leftovers>(
    `select (select count(*) from risc.deliveries)::integer as deliveries,
      (select count(*) from risc.inflight)::integer as inflight,
      (select count(*) from risc_worker.jobs)::integer as jobs,
      (select count(*) from risc.workers where name <> all ($1))::integer as dead_workers,
      (select count(*) - count(distinct jti) from risc.history)::integer as settled_twice`,
    [living],
  )
  const [leftovers] = rows
  if (leftovers === undefined) throw new Error('count(*) has no row')
  return leftovers
}

/** The rows behind the counts, for whoever has to find out why they are there. */
export async function describeLeftovers(db: Pool): Promise<string> {
  const { rows } = await db.query(
    `select json_build_object('delivery', d.id, 'state', d.state, 'due_in', d.due_at - now(), 'stream', s.status,
        'ticket', i.ticket, 'dispatched', now() - i.dispatched_at, 'claimed', now() - i.claimed_at, 'by', w.name,
        'job', i.job_id, 'locked', now() - j.locked_at, 'locked_by', j.locked_by, 'attempts', j.attempts) as row
     from risc.deliveries d join risc.streams s on s.id = d.stream_id
     left join risc.inflight i on i.delivery_id = d.id left join risc_worker.jobs j on j.id = i.job_id
     left join risc.workers w on w.id = i.worker_id
     union all select json_build_object('worker', name, 'pool', pool_id, 'beat', now() - beat_at) from risc.workers
     union all select json_build_object('job', j.id, 'locked', now() - j.locked_at, 'locked_by', j.locked_by)
       from risc_worker.jobs j where not exists (select from risc.inflight i where i.job_id = j.id) limit 50`,
  )
  return rows.map(({ row }) => JSON.stringify(row)).join('\n')
}

/** Takes away what a cell that failed has left to the next one. */
export async function clearAll(db: Pool): Promise<void> {
  await db.query(`delete from risc.inflight; delete from risc.deliveries; delete from risc.workers;
    select risc_worker.force_unlock_workers(array(select distinct locked_by from risc_worker.jobs where locked_by is not null));
    select risc_worker.complete_jobs(array(select id from risc_worker.jobs))`)
}
