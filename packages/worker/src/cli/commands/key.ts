import type { Command } from 'commander'
import type { World } from '../world.ts'
import { addKeyListCommand } from './key-list.ts'
import { addKeyRetireCommand } from './key-retire.ts'

export function addKeyCommands(program: Command, world: World): void {
  const key = program
    .command('key')
    .description('show which signing keys are still needed, and retire those that are not')
  addKeyListCommand(key, world)
  addKeyRetireCommand(key, world)
}
