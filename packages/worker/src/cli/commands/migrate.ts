import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import type { GrantName, RoleGrant } from '../../grants.ts'
import { migrate } from '../../migrate.ts'
import { printMigrations } from '../../print-migrations.ts'
import { commaSeparated } from '../argument.ts'
import { MisuseError } from '../command-error.ts'
import { printJson } from '../json.ts'
import type { World } from '../world.ts'

interface MigrateOptions {
  readonly print?: true
  readonly json?: true
  readonly grantEnqueue?: readonly string[]
  readonly grantWork?: readonly string[]
  readonly grantInspect?: readonly string[]
}

const GRANTS = ['enqueue', 'work', 'inspect'] as const satisfies readonly GrantName[]

const HELP = `
Applies what is missing to the schemas risc and risc_worker, forward only. Safe to run at any time and from several hosts
at once; needs PostgreSQL 15 or newer and a role that may create schemas.

Grants are given to roles that exist and take nothing away; give them again after each upgrade. What each consists of is told
by select * from risc.rights('work'), and risc.grant_rights('work', 'role') gives it in SQL.

Examples:
  $ DATABASE_URL=postgres://owner@db.example/idp risc-worker migrate
  $ risc-worker migrate --grant-enqueue idp --grant-work worker
  $ risc-worker migrate --grant-inspect support,audit
  $ risc-worker migrate --print | psql -v ON_ERROR_STOP=1 "$OWNER_URL"
`

export function addMigrateCommand(program: Command, world: World): void {
  program
    .command('migrate')
    .description('bring the database to the schema of this version')
    .option('--print', 'write all migrations as one SQL script for an empty database, and touch nothing')
    .option('--grant-enqueue <role>', 'lets a role record events', commaSeparated)
    .option('--grant-work <role>', 'lets a role run workers', commaSeparated)
    .option('--grant-inspect <role>', 'lets a role look, at no SET, subject or credential', commaSeparated)
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: MigrateOptions) => migrateOrPrint(options, world))
}

async function migrateOrPrint({ print, json, ...options }: MigrateOptions, world: World): Promise<void> {
  if (print && json) throw new MisuseError('--print writes SQL: leave out --json')
  const grants = readGrants(options)
  if (print) {
    world.stdout.write(printMigrations(grants))
    return
  }
  const { applied, granted } = await migrate(readConnectionConfig(world.env).databaseUrl, grants)
  if (json) {
    printJson(world.stdout, { applied, granted })
    return
  }
  for (const name of [...applied, ...granted]) world.stdout.write(`${name}\n`)
  world.stderr.write(applied.length + granted.length === 0 ? 'nothing to do\n' : `${summarize(applied, granted)}\n`)
}

function readGrants({ grantEnqueue = [], grantWork = [], grantInspect = [] }: MigrateOptions): RoleGrant[] {
  const roles: Readonly<Record<GrantName, readonly string[]>> = {
    enqueue: grantEnqueue,
    work: grantWork,
    inspect: grantInspect,
  }
  return GRANTS.flatMap((grant) => roles[grant].map((role) => ({ grant, role })))
}

function summarize(applied: readonly string[], granted: readonly string[]): string {
  const migrations = `${applied.length} migrations applied`
  return granted.length === 0 ? migrations : `${migrations}, ${granted.length} rights granted`
}
