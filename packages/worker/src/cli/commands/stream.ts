import type { Command } from 'commander'
import type { World } from '../world.ts'
import { addStreamAddCommand } from './stream-add.ts'
import { addStreamListCommand } from './stream-list.ts'

export function addStreamCommands(program: Command, world: World): void {
  const stream = program.command('stream').description('add and show the streams: who gets SETs, and where')
  addStreamAddCommand(stream, world)
  addStreamListCommand(stream, world)
}
