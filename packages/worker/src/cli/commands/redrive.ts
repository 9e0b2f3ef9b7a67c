import type { Command } from 'commander'
import type { World } from '../world.ts'
import { addRedriveCancelCommand, addRedriveResumeCommand } from './redrive-change.ts'
import { addRedriveListCommand } from './redrive-list.ts'
import { addRedriveWatchCommand } from './redrive-watch.ts'

export function addRedriveCommands(program: Command, world: World): void {
  const redrive = program
    .command('redrive')
    .description('watch, cancel and resume what `retry --dead` and `--all-dead` have begun')
  addRedriveListCommand(redrive, world)
  addRedriveWatchCommand(redrive, world)
  addRedriveCancelCommand(redrive, world)
  addRedriveResumeCommand(redrive, world)
}
