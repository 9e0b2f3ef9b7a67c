import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { printJson } from '../json.ts'
import type { World } from '../world.ts'

const HELP = `
Prints a JWK Set with one new key of 256 bits, which is a secret: send it to a file that nobody else can read, and name
that in RISC_CREDENTIAL_KEYS_FILE. To change keys, put the new key first and keep the old one behind it until
\`risc-worker credential reseal\` says that nothing needs it any more.

Examples:
  $ (umask 077; risc-worker credential new-key > credential-keys.json)
`

export function addCredentialNewKeyCommand(credential: Command, world: World): void {
  credential
    .command('new-key')
    .description('make a key to seal credentials with')
    .option('--json', 'the same: it is always one JSON document')
    .addHelpText('after', HELP)
    .action(() => {
      const kid = randomBytes(9).toString('base64url')
      printJson(world.stdout, { keys: [{ kty: 'oct', kid, alg: 'dir', k: randomBytes(32).toString('base64url') }] })
    })
}
