import type { Command } from 'commander'
import type { World } from '../world.ts'
import { addStreamAddCommand } from './stream-add.ts'
import { addStreamListCommand } from './stream-list.ts'
import { addStreamRemoveCommand } from './stream-remove.ts'
import { addStreamSetCommand } from './stream-set.ts'
import { addStreamShowCommand } from './stream-show.ts'
import { addStreamStatusCommands } from './stream-status.ts'
import { addStreamVerifyCommand } from './stream-verify.ts'

export function addStreamCommands(program: Command, world: World): void {
  const stream = program
    .command('stream')
    .description('add, show, change, stop, test and remove the streams: who gets SETs, and where')
  addStreamAddCommand(stream, world)
  addStreamListCommand(stream, world)
  addStreamShowCommand(stream, world)
  addStreamSetCommand(stream, world)
  addStreamStatusCommands(stream, world)
  addStreamVerifyCommand(stream, world)
  addStreamRemoveCommand(stream, world)
}
