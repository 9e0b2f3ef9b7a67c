import type { Command } from 'commander'
import { readConnectionConfig } from '../../config.ts'
import { parseReference } from '../../credential-reference.ts'
import { kidOf } from '../../sealed-credential.ts'
import { withDatabase } from '../database.ts'
import { printJson } from '../json.ts'
import { readStoredCredentials, type StoredCredential } from '../queries/credentials.ts'
import { formatTable } from '../table.ts'
import { terminalOf } from '../terminal.ts'
import type { World } from '../world.ts'

/** How a credential is kept; nothing of the credential itself. */
interface KeptCredential {
  readonly stream_id: string
  readonly use: string
  readonly kept: 'sealed' | 'file' | 'env'
  /** The key that sealed it, or the name of the file or variable. */
  readonly by: string | null
}

const HELP = `
Tells of each credential which key sealed it, or which file or variable of the workers it is in; never what it is.

Examples:
  $ risc-worker credential list
  $ risc-worker credential list --json | jq '.credentials[].by'
`

export function addCredentialListCommand(credential: Command, world: World): void {
  credential
    .command('list')
    .description('show how the credential of each stream is kept')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: { readonly json?: true }) => list(options, world))
}

async function list({ json }: { readonly json?: true }, world: World): Promise<void> {
  const { databaseUrl } = readConnectionConfig(world.env)
  const credentials = await withDatabase(databaseUrl, async (db) => {
    const described: KeptCredential[] = []
    for await (const stored of readStoredCredentials(db, { enabledOnly: false })) described.push(describe(stored))
    return described
  })
  if (json) printJson(world.stdout, { credentials })
  else if (credentials.length === 0) world.stderr.write('no stream has a credential\n')
  else {
    const rows = credentials.map(({ stream_id, use, kept, by }) => [stream_id, use, kept, by ?? ''])
    world.stdout.write(formatTable(['STREAM', 'USE', 'KEPT', 'BY'], rows, { terminal: terminalOf(world) }))
  }
}

function describe({ binding, stored }: StoredCredential): KeptCredential {
  const reference = parseReference(stored)
  return {
    stream_id: binding.streamId,
    use: binding.use,
    kept: reference?.source ?? 'sealed',
    by: reference?.name ?? kidOf(stored) ?? null,
  }
}
