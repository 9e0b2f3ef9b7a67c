import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { Outbox, OutboxDatabase, StreamStatus } from 'risc-outbox'
import { readConnectionConfig } from '../../config.ts'
import { MisuseError } from '../command-error.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { operator } from '../operator.ts'
import { changeStatus, probe, readProfile } from '../queries/stream-status.ts'
import { readReason } from '../reason.ts'
import { requireStream } from '../require-stream.ts'
import { addSigningOptions, readOutbox, SIGNING_HELP, type SigningOptions } from '../signing-options.ts'
import type { World } from '../world.ts'

interface StreamStatusOptions extends SigningOptions {
  readonly reason?: string
  readonly json?: true
}

interface Change {
  readonly streamId: string
  readonly status: StreamStatus
  readonly reason?: string
  readonly by: string
}

/** What came of it; `untold` says why the receiver will not hear of a change. */
interface Report {
  readonly changed: boolean
  /** Whether the stream's breaker was open, and is tried at once. */
  readonly probed?: boolean
  readonly jti?: string | undefined
  readonly untold?: string
}

const COMMANDS = [
  ['pause', 'paused', 'hold a stream back: what waits is kept', 'maintenance until 14:00'],
  [
    'resume',
    'enabled',
    'let a stream go on with what waits; if its breaker is open, try it at once',
    'maintenance is over',
  ],
  ['disable', 'disabled', 'end a stream: what waits is discarded, and nothing new is taken', 'contract ended'],
] as const satisfies readonly (readonly [string, StreamStatus, string, string])[]

/** Nobody but the receiver is told why a stream goes on. */
function examples(name: string, status: StreamStatus, reason: string): string {
  const why = ` --reason '${reason}'`
  const [untold, told] = status === 'enabled' ? ['', ` \\\n     ${why}`] : [why, '']
  return `
Examples:
  $ risc-worker stream ${name} partner-a${untold}
  $ IDP_KEYS="$(vault read …)" risc-worker stream ${name} partner-a \\
      --issuer https://idp.example/ --keys-env IDP_KEYS${told}
`
}

export function addStreamStatusCommands(stream: Command, world: World): void {
  for (const [name, status, description, reason] of COMMANDS) {
    addSigningOptions(stream.command(name))
      .description(description)
      .argument('<id>', 'the stream')
      .option(
        '--reason <text>',
        status === 'enabled' ? 'why, for the receiver' : 'why, for the receiver and for status: up to 200 characters',
      )
      .option('--json', 'print one JSON document')
      .addHelpText('after', SIGNING_HELP + examples(name, status, reason))
      .action((id: string, options: StreamStatusOptions) => setStatus(id, status, options, world))
  }
}

async function setStatus(streamId: string, status: StreamStatus, options: StreamStatusOptions, world: World) {
  const { databaseUrl } = readConnectionConfig(world.env)
  const { json } = options
  const reason = options.reason === undefined ? undefined : readReason('--reason', options.reason)
  const outbox = await readOutbox(options, world.env)
  if (status === 'enabled' && reason !== undefined && outbox === undefined) {
    throw new MisuseError('--reason is for the receiver, which is told only with --issuer and --keys-env')
  }
  const {
    changed,
    probed = false,
    jti,
    untold,
  } = await withDatabase(databaseUrl, async (db) => {
    await requireStream(db, streamId)
    return change(db, outbox, { streamId, status, by: operator(world), ...(reason !== undefined && { reason }) })
  })
  const told = { told: jti !== undefined, jti: jti ?? null }
  if (json) printJson(world.stdout, { stream_id: streamId, status, changed, probed, ...told })
  else world.stdout.write(`stream ${streamId} ${changed ? status : already(status, probed)}\n`)
  if (untold !== undefined) world.stderr.write(`the receiver was not told: ${untold}\n`)
}

const already = (status: StreamStatus, probed: boolean): string =>
  `is ${status} already${probed ? ', and is tried at once' : ''}`

async function change(db: Kysely<OutboxDatabase>, outbox: Outbox | undefined, wanted: Change): Promise<Report> {
  const { changed, jti } = outbox
    ? await db.transaction().execute((trx) => outbox.setStreamStatus(trx, wanted))
    : { changed: await changeStatus(db, wanted), jti: undefined }
  if (!changed) return { changed, probed: wanted.status === 'enabled' && (await probe(db, wanted.streamId)) }
  if (jti !== undefined) return { changed, jti }
  const mute = (await readProfile(db, wanted.streamId)) === 'login.gov'
  return {
    changed,
    untold: mute
      ? 'profile login.gov has no event for it'
      : 'no keys to sign with; give --issuer and --keys-env, or have the IdP call outbox.setStreamStatus',
  }
}
