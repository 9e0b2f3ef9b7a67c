import { escapeLiteral } from 'pg'
import type { RoleGrant } from './grants.ts'
import {
  GRAPHILE_WORKER_SCHEMA,
  isBreaking,
  type MigrationFile,
  readGraphileWorkerMigrations,
  readMigrations,
} from './migration-files.ts'

/**
 * Writes all migrations as one SQL script, for those who apply SQL with a tool of their own.
 *
 * Run on an empty database, by psql or as one simple query, it commits the state that `migrate` makes, the records of
 * both migrators included, so that a later `migrate` finds nothing to do. Where a role does not exist, it changes nothing.
 */
export function printMigrations(grants: readonly RoleGrant[] = []): string {
  return [
    '-- Printed by `risc-worker migrate --print`, for a database that has neither schema yet.\nbegin;',
    CREATE_GRAPHILE_WORKER_SCHEMA,
    ...readGraphileWorkerMigrations().map(printGraphileWorkerMigration),
    CREATE_MIGRATION_RECORDS,
    ...readMigrations().map(printMigration),
    ['select risc.make_partitions();', ...grants.map(printGrant), 'commit;\n'].join('\n'),
  ].join('\n\n')
}

function printGrant({ grant, role }: RoleGrant): string {
  return `select risc.grant_rights(${escapeLiteral(grant)}, ${escapeLiteral(role)});`
}

// What graphile-worker 0.18 does before its first migration.
const CREATE_GRAPHILE_WORKER_SCHEMA = `-- graphile-worker
create schema ${GRAPHILE_WORKER_SCHEMA};
create table ${GRAPHILE_WORKER_SCHEMA}.migrations (
  id int primary key,
  ts timestamptz default now() not null,
  breaking boolean not null default false
);`

function printGraphileWorkerMigration(migration: MigrationFile): string {
  const record = `insert into ${GRAPHILE_WORKER_SCHEMA}.migrations (id, breaking) values (${Number(migration.name)}, ${isBreaking(migration)});`
  return `-- graphile-worker ${migration.name}\n${migration.text.trim()}\n${record}`
}

// What Kysely 0.29 does before its first migration.
const CREATE_MIGRATION_RECORDS = `-- risc
create schema risc;
create table risc.migrations (name varchar(255) not null primary key, "timestamp" varchar(255) not null);
create table risc.migrations_lock (id varchar(255) not null primary key, is_locked integer not null default 0);
insert into risc.migrations_lock (id, is_locked) values ('migration_lock', 0);`

function printMigration({ name, text }: MigrationFile): string {
  const now = `to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  return `-- ${name}\n${text.trim()}\ninsert into risc.migrations (name, "timestamp") values ('${name}', ${now});`
}
