import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startPostgres } from 'example-local-postgres'

/** The server that a run of the tests uses. */
export interface TestPostgres {
  /** For a role that may create databases. */
  readonly url: string
  /** Stops the server, if it is ours. Returns its log then. */
  stop(): Promise<string>
}

const SETTINGS = {
  // For speed: what is lost in a crash is a test run.
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  // The log says whose an error is, and as much of it as a server can be made to say.
  log_line_prefix: '[%a] ',
  log_parameter_max_length_on_error: '-1',
}

/**
 * Finds the server to test against: the one at `TEST_DATABASE_URL`, or a container of `TEST_POSTGRES_IMAGE`, or one from
 * npm's binaries, which needs nothing installed.
 */
export async function openPostgres(env: NodeJS.ProcessEnv): Promise<TestPostgres> {
  const url = env['TEST_DATABASE_URL']
  if (url) return { url, stop: async () => '' }
  const image = env['TEST_POSTGRES_IMAGE']
  return image ? startContainer(image) : startBinaries()
}

async function startBinaries(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'risc-test-log-'))
  const logFile = join(folder, 'log')
  const { url, stop } = await startPostgres({ settings: SETTINGS, logFile })
  return {
    url,
    async stop() {
      await stop()
      const log = await readFile(logFile, 'utf8')
      await rm(folder, { recursive: true })
      return log
    },
  }
}

async function startContainer(image: string): Promise<TestPostgres> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql') // slow to load, and seldom needed
  const flags = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(image).withCommand(['postgres', ...flags]).start()
  const log = text(await container.logs())
  return {
    url: container.getConnectionUri(),
    async stop() {
      await container.stop()
      return log
    },
  }
}
