import { Argument, type Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { readTree } from '../completion/tree.ts'
import { zshScript } from '../completion/zsh.ts'
import { withDatabase } from '../database.ts'
import { listStreamIds } from '../queries/streams.ts'
import type { World } from '../world.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }

const DEADLINE_MS = 1500

const HELP = `
Prints a script that completes commands, options and their values, file names, and the ids of streams, which it reads
from the database of DATABASE_URL if that answers at once.

Examples:
  $ source <(risc-worker completion bash)
  $ risc-worker completion zsh > "\${fpath[1]}/_risc-worker"
  $ risc-worker completion fish > ~/.config/fish/completions/risc-worker.fish
`

export function addCompletionCommand(program: Command, world: World): void {
  program
    .command('completion')
    .description('print a script that completes this program in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', HELP)
    .action((shell: keyof typeof SCRIPTS) => {
      world.stdout.write(SCRIPTS[shell](readTree(program)))
    })
  program
    .command('stream-ids', { hidden: true })
    .description('print the ids of the streams, for those scripts')
    .action(() => printStreamIds(world))
}

/** Says nothing when there is something wrong: it would be said in the middle of somebody's command line. */
async function printStreamIds(world: World): Promise<void> {
  const deadline = setTimeout(() => world.exit(0), DEADLINE_MS)
  try {
    const ids = await withDatabase(readConnectionConfig(world.env).databaseUrl, listStreamIds)
    world.stdout.write(
      ids
        .filter(isPlain)
        .map((id) => `${id}\n`)
        .join(''),
    )
  } catch {
    // whoever needs to know will run the command
  } finally {
    clearTimeout(deadline)
  }
}

/** A shell must not find anything to expand, whatever a database says. */
function isPlain(id: string): boolean {
  return /^[\w.~-]+$/.test(id)
}
