import { Kysely, PostgresDialect } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { type Environment, type NetworkConfig, readConnectionConfig, readCredentialConfig } from '../../config.ts'
import { type CredentialMeans, type CredentialReader, createCredentialReader } from '../../credential-reader.ts'
import { InvalidConfigError } from '../../errors.ts'
import { toTokenEndpoint } from '../../oauth-token.ts'
import { openPool } from '../../pool.ts'
import { createResolver } from '../../resolver.ts'
import { toConnection } from '../../stream-connection.ts'
import { unlockConnection } from '../../unlocked-delivery.ts'
import { explainError } from '../explain-error.ts'
import { listKeys } from '../queries/keys.ts'
import { readClock } from '../queries/server.ts'
import { listConnections, type StreamConnectionRow } from '../queries/streams.ts'
import { requireStream } from '../require-stream.ts'
import type { SigningOptions } from '../signing-options.ts'
import { checkConfiguration } from './configuration.ts'
import { checkCredentials } from './credentials.ts'
import { type CheckedEndpoint, checkEndpoint } from './endpoint.ts'
import { explained, type Finding, ok } from './finding.ts'
import { checkGivenKeys, type GivenKeys, judgeKeys } from './keys.ts'
import { mapAtMost } from './map-at-most.ts'
import { checkRights, checkSchemaVersion, checkWorkers } from './outbox.ts'
import { checkAutovacuum, checkClock, checkServer, checkSnapshots } from './server.ts'

/** What to look at. */
export interface CheckupOptions extends SigningOptions {
  /** Only this stream's endpoint, whatever its status; by default, that of every enabled stream. */
  readonly streamId: string | undefined
  /** For each endpoint. */
  readonly timeoutMs: number
}

/** What this environment has to look with. */
interface CheckupMeans {
  readonly network: NetworkConfig
  readonly credentials: CredentialMeans
}

type Database = Kysely<OutboxDatabase>

const CONNECTIONS = 4
const ENDPOINTS_AT_ONCE = 10
const RECENTLY_MS = 86_400_000

/**
 * Looks at all that deliveries depend on, and changes nothing. Nothing that hangs holds it up: statements have the
 * deadlines of a worker's, and each endpoint has `timeoutMs`.
 */
export async function checkAll(options: CheckupOptions, env: Environment): Promise<Finding[]> {
  const configuration = checkConfiguration(env)
  const given = await checkGivenKeys(options, env)
  const findings = [...configuration, ...given.findings]
  try {
    const config = readConnectionConfig(env)
    const credentials = readCredentialConfig(env)
    // As a worker connects: a pooler in between that cannot stand its settings is found out here.
    const pool = openPool(config.databaseUrl, { max: CONNECTIONS, name: 'risc-worker check', durable: false })
    try {
      const db: Database = new Kysely({ dialect: new PostgresDialect({ pool }) })
      return [...findings, ...(await checkDatabase(db, given, { ...options, network: config, credentials }))]
    } finally {
      await pool.close()
    }
  } catch (error) {
    if (error instanceof InvalidConfigError) return findings // which it is in already
    throw error
  }
}

async function checkDatabase(
  db: Database,
  { keys, findings: keyFindings }: GivenKeys,
  options: CheckupOptions & CheckupMeans,
): Promise<Finding[]> {
  const server = await look('database', 'problem', () => checkServer(db))
  if (isBad(server)) return server
  const ofServer = [
    look('clock', 'warning', () => checkClock(db)),
    look('transactions', 'warning', () => checkSnapshots(db)),
    look('autovacuum', 'warning', () => checkAutovacuum(db)),
  ]
  const schema = await look('schema', 'problem', () => checkSchemaVersion(db))
  if (isBad(schema)) return [...server, ...(await Promise.all(ofServer)).flat(), ...schema]

  if (options.streamId !== undefined) await requireStream(db, options.streamId)
  const ofOutbox = [
    look('rights', 'warning', () => checkRights(db)),
    look('workers', 'warning', () => checkWorkers(db)),
    look('keys', 'warning', async () =>
      keyFindings.length > 0 ? [] : judgeKeys(await listKeys(db, RECENTLY_MS), keys),
    ),
    look('credentials', 'warning', () => checkCredentials(db, options.credentials)),
    look('streams', 'warning', () => checkEndpoints(db, options)),
  ]
  return [...server, ...(await Promise.all(ofServer)).flat(), ...schema, ...(await Promise.all(ofOutbox)).flat()]
}

/** What fails to be looked at is a finding too, and keeps nothing else from being looked at. */
async function look(
  check: string,
  unlessLookedAt: 'warning' | 'problem',
  at: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await at()].flat()
  } catch (error) {
    return [explained(check, unlessLookedAt, explainError(error))]
  }
}

async function checkEndpoints(
  db: Database,
  { streamId, timeoutMs, network, credentials }: CheckupOptions & CheckupMeans,
): Promise<Finding[]> {
  const chosen = await listConnections(db, streamId)
  if (chosen.length === 0) return [ok('streams', 'none is enabled')]
  const how = { network, resolve: createResolver(network), timeoutMs, now: await readClock(db) }
  const reader = createCredentialReader(credentials)
  const endpoints = await Promise.all(chosen.map((row) => endpointsOf(row, reader)))
  return mapAtMost(endpoints.flat(), ENDPOINTS_AT_ONCE, (endpoint) => checkEndpoint(endpoint, how))
}

/** Where the client key cannot be opened, which is a finding of its own, the connection is tried without. */
async function endpointsOf(
  { id: streamId, token_request, ...row }: StreamConnectionRow,
  reader: CredentialReader,
): Promise<CheckedEndpoint[]> {
  const stored = toConnection(row)
  const unlocked = await unlockConnection(streamId, stored, reader)
  const connection =
    unlocked.kind === 'unlocked' ? unlocked.connection : { ...stored, tls: { ...stored.tls, client: undefined } }
  const receiver = { streamId, option: '--url', connection } as const
  if (token_request === null) return [receiver]
  return [receiver, { streamId, option: '--oauth-token-url', connection: toTokenEndpoint(token_request, connection) }]
}

const isBad = (findings: readonly Finding[]): boolean => findings.some(({ level }) => level === 'problem')
