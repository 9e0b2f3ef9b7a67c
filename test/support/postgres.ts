import { startPostgres } from 'example-local-postgres'

/** The server that a run of the tests uses. */
export interface TestPostgres {
  /** For a role that may create databases. */
  readonly url: string
  stop(): Promise<void>
}

/** For speed: what is lost in a crash is a test run. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
}

/**
 * Finds the server to test against: the one at `TEST_DATABASE_URL`, or a container of `TEST_POSTGRES_IMAGE`, or one from
 * npm's binaries, which needs nothing installed.
 */
export async function openPostgres(env: NodeJS.ProcessEnv): Promise<TestPostgres> {
  const url = env['TEST_DATABASE_URL']
  if (url) return { url, stop: async () => undefined }
  const image = env['TEST_POSTGRES_IMAGE']
  return image ? startContainer(image) : startPostgres({ settings: SETTINGS })
}

async function startContainer(image: string): Promise<TestPostgres> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql') // slow to load, and seldom needed
  const flags = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(image).withCommand(['postgres', ...flags]).start()
  return {
    url: container.getConnectionUri(),
    async stop() {
      await container.stop()
    },
  }
}
