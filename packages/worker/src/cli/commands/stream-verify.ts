import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { requireStream } from '../require-stream.ts'
import { addSigningOptions, readOutbox, SIGNING_HELP, type SigningOptions } from '../signing-options.ts'
import type { World } from '../world.ts'

interface StreamVerifyOptions extends SigningOptions {
  readonly state?: string
  readonly json?: true
}

const EXAMPLES = `
Examples:
  $ IDP_KEYS="$(vault read …)" risc-worker stream verify partner-a \\
      --issuer https://idp.example/ --keys-env IDP_KEYS
`

export function addStreamVerifyCommand(stream: Command, world: World): void {
  addSigningOptions(stream.command('verify'))
    .description('test a stream by a SET that passes all that waits')
    .argument('<id>', 'the stream')
    .option('--state <text>', 'what the receiver gave when it asked to be tested')
    .option('--json', 'print one JSON document')
    .addHelpText('after', SIGNING_HELP + EXAMPLES)
    .action((id: string, options: StreamVerifyOptions) => verify(id, options, world))
}

async function verify(streamId: string, options: StreamVerifyOptions, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const outbox = await readOutbox(options, world.env)
  if (outbox === undefined) {
    throw new MisuseError('this signs a SET: give --issuer and --keys-env, or have the IdP call outbox.verifyStream')
  }
  const { state, json } = options
  const { jti } = await withDatabase(databaseUrl, async (db) => {
    await requireStream(db, streamId)
    const which = { streamId, ...(state !== undefined && { state }) }
    return db.transaction().execute((trx) => outbox.verifyStream(trx, which))
  })
  if (json) printJson(world.stdout, { stream_id: streamId, jti })
  else world.stdout.write(`stream ${streamId} is tested by ${jti}\n`)
}
