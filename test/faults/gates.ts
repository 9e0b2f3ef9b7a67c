import { Client, type Pool } from 'pg'
import { eventually } from './eventually.ts'

// Triggers that wait for an advisory lock stop one process at one statement, for as long as the harness holds the lock:
// the product knows nothing of it, and no sleep has to be lucky.

/** Where in its work a process can be stopped. */
export type GatePoint = 'fetch' | 'before claim' | 'after claim' | 'settle' | 'dispatch' | 'maintain' | 'retry'

/** A gate that one process cannot pass. */
export interface Gate {
  /** Resolves with the process's backend when it stands at the gate. If it never does, the gate is opened. */
  reached(): Promise<number>
  /** Lets it pass. Harmless when the server has forgotten the gate. */
  open(): Promise<void>
}

const LOCK_CLASS = 7

/** Sets up the gates and {@link fillDisk}; to be run as the owner of the tables. */
export const GATES = `
create schema faults;

create function faults.gate() returns trigger language plpgsql as $$
begin
  if tg_nargs = 1 or strpos(current_query(), tg_argv[1]) > 0 then
    perform pg_advisory_xact_lock_shared(${LOCK_CLASS}, hashtext(tg_argv[0] || ' ' || current_setting('application_name')));
  end if;
  return null;
end $$;

create trigger gate_1 before update on risc.inflight for each statement execute function faults.gate('before claim');
create trigger gate_2 after update on risc.inflight for each statement execute function faults.gate('after claim');
create trigger gate_3 after insert on risc.inflight for each statement execute function faults.gate('dispatch');
create trigger gate_4 after delete on risc.inflight
  for each statement execute function faults.gate('maintain', 'risc.maintain(');
create trigger gate_5 after insert on risc.history for each statement execute function faults.gate('settle');
create trigger gate_6 after insert on risc.redrive_streams for each statement execute function faults.gate('retry');

create trigger gate_7 after update on risc_worker._private_jobs
  for each row execute function faults.gate('fetch', 'skip locked');

create table faults.full_disk (since timestamptz not null);

create function faults.refuse_to_write() returns trigger language plpgsql as $$
begin
  if exists (select from faults.full_disk) and current_setting('application_name') <> 'idp' then
    raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
  end if;
  return null;
end $$;

create trigger disk before insert or update or delete on risc.inflight
  for each statement execute function faults.refuse_to_write();
create trigger disk before insert or update or delete on risc.deliveries
  for each statement execute function faults.refuse_to_write();
create trigger disk before insert on risc.history for each statement execute function faults.refuse_to_write();
`

/** Closes a gate to the process whose connections are called `name`. */
export async function closeGate(db: Pool, databaseUrl: string, point: GatePoint, name: string): Promise<Gate> {
  const key = `${point} ${name}`
  const holder = new Client({ connectionString: databaseUrl })
  holder.on('error', () => undefined) // a restart of the server opens all gates
  await holder.connect()
  await holder.query('select pg_advisory_lock($1, hashtext($2))', [LOCK_CLASS, key])
  const open = (): Promise<void> => holder.end().catch(() => undefined)
  return {
    async reached() {
      try {
        return await eventually(() => findWaiting(db, key), `${name} to come to the gate ${point}`)
      } catch (error) {
        await open()
        throw error
      }
    },
    open,
  }
}

async function findWaiting(db: Pool, key: string): Promise<number | undefined> {
  const { rows } = await db.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'advisory' and not granted and mode = 'ShareLock'
       and classid = $1 and objid::bigint = (hashtext($2)::bigint & 4294967295)`,
    [LOCK_CLASS, key],
  )
  return rows[0]?.pid
}

/** From now on whatever is written is refused as by a full disk, though not what the IdP writes. */
export async function fillDisk(db: Pool): Promise<void> {
  await db.query('insert into faults.full_disk values (now())')
}

export async function emptyDisk(db: Pool): Promise<void> {
  await db.query('delete from faults.full_disk')
}
