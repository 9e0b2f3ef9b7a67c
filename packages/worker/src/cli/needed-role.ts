import type { Command } from 'commander'

/** Commands that look; those below need what a worker needs, and all that change something the owner. */
const LOOKING = [
  'status',
  'list',
  'show',
  'why',
  'stream list',
  'stream show',
  'redrive list',
  'redrive watch',
  'key list',
]
const WORKING = ['run', 'check', 'credential list']

/** Says which role a command needs that the database did not let do its work. */
export function explainDenied(command: Command): string {
  const name = commandName(command)
  const grant = LOOKING.includes(name) ? 'inspect' : WORKING.includes(name) ? 'work' : undefined
  const needed =
    grant === undefined
      ? 'the role that owns the schema risc'
      : `a role with the grant ${grant} (risc-worker migrate --grant-${grant} <role>)`
  return `the role in DATABASE_URL may not do this: \`${name}\` needs ${needed}`
}

function commandName(command: Command): string {
  const above = command.parent
  return above?.parent ? `${commandName(above)} ${command.name()}` : command.name()
}
