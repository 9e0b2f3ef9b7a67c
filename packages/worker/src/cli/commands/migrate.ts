import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { migrate } from '../../migrate.ts'
import { printMigrations } from '../../print-migrations.ts'
import { MisuseError } from '../command-error.ts'
import { printJson } from '../json.ts'
import type { World } from '../world.ts'

interface MigrateOptions {
  readonly print?: true
  readonly json?: true
}

const HELP = `
Applies what is missing to the schemas risc and risc_worker, forward only. Safe to run at any time and from several hosts
at once; needs PostgreSQL 15 or newer and a role that may create schemas.

Examples:
  $ DATABASE_URL=postgres://owner@db.example/idp risc-worker migrate
  $ risc-worker migrate --print | psql -v ON_ERROR_STOP=1 "$OWNER_URL"
`

export function addMigrateCommand(program: Command, world: World): void {
  program
    .command('migrate')
    .description('bring the database to the schema of this version')
    .option('--print', 'write all migrations as one SQL script for an empty database, and touch nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: MigrateOptions) => migrateOrPrint(options, world))
}

async function migrateOrPrint({ print, json }: MigrateOptions, world: World): Promise<void> {
  if (print && json) throw new MisuseError('--print writes SQL: leave out --json')
  if (print) {
    world.stdout.write(printMigrations())
    return
  }
  const { applied } = await migrate(readConnectionConfig(world.env).databaseUrl)
  if (json) {
    printJson(world.stdout, { applied })
    return
  }
  for (const name of applied) world.stdout.write(`${name}\n`)
  world.stderr.write(applied.length === 0 ? 'nothing to do\n' : `${applied.length} migrations applied\n`)
}
