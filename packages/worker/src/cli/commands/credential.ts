import type { Command } from 'commander'
import type { World } from '../world.ts'
import { addCredentialListCommand } from './credential-list.ts'
import { addCredentialNewKeyCommand } from './credential-new-key.ts'
import { addCredentialResealCommand } from './credential-reseal.ts'

export function addCredentialCommands(program: Command, world: World): void {
  const credential = program
    .command('credential')
    .description('show how the credentials of streams are kept, and change the key that seals them')
  addCredentialListCommand(credential, world)
  addCredentialNewKeyCommand(credential, world)
  addCredentialResealCommand(credential, world)
}
