import { expect, test } from 'vitest'
import { type Environment, readConfig } from '../../packages/worker/src/config.ts'
import { InvalidConfigError } from '../../packages/worker/src/errors.ts'

const DATABASE_URL = 'postgres://risc:pass%20word@db.example:5432/idp'
const defaults = { name: 'host-1:42' }

function problems(env: Environment): readonly string[] {
  try {
    readConfig(env, defaults)
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems
    throw error
  }
  return []
}

test('a worker needs no setting but DATABASE_URL', () => {
  expect(readConfig({ DATABASE_URL, PATH: '/bin' }, defaults)).toEqual({
    databaseUrl: DATABASE_URL,
    concurrency: 400,
    allowLoopback: false,
    allowNat64: false,
    dnsServers: [],
    httpsProxy: undefined,
    shutdownMs: 10_000,
    credentials: {
      keys: { active: undefined, find: expect.any(Function) },
      sources: { directory: undefined, env: {} },
    },
    keptDays: { dead: 30, history: 90, attempts: 14 },
    logLevel: 'info',
    name: 'host-1:42',
    metricsStreams: 200,
  })
})

test('every setting is read from the environment', () => {
  const env = {
    DATABASE_URL: 'postgresql://db.example/idp?sslmode=verify-full',
    RISC_CONCURRENCY: '500',
    RISC_ALLOW_LOOPBACK: 'true',
    RISC_ALLOW_NAT64: 'true',
    RISC_DNS_SERVERS: '192.0.2.53,[2001:db8::53]:5353',
    RISC_HTTPS_PROXY: 'http://me:pass@proxy.example:3128',
    RISC_SHUTDOWN_SECONDS: '0',
    RISC_KEEP_DEAD_DAYS: 'forever',
    RISC_KEEP_HISTORY_DAYS: '365',
    RISC_KEEP_ATTEMPTS_DAYS: '1',
    RISC_LOG_LEVEL: 'debug',
    RISC_WORKER_NAME: 'eu-1',
    RISC_HTTP_PORT: '9464',
    RISC_HTTP_HOST: '::',
    RISC_METRICS_STREAMS: '50',
  }
  expect(readConfig(env, defaults)).toEqual({
    databaseUrl: env.DATABASE_URL,
    concurrency: 500,
    allowLoopback: true,
    allowNat64: true,
    dnsServers: ['192.0.2.53', '[2001:db8::53]:5353'],
    httpsProxy: env.RISC_HTTPS_PROXY,
    shutdownMs: 0,
    credentials: {
      keys: { active: undefined, find: expect.any(Function) },
      sources: { directory: undefined, env: {} },
    },
    keptDays: { dead: null, history: 365, attempts: 1 },
    logLevel: 'debug',
    name: 'eu-1',
    http: { host: '::', port: 9464 },
    metricsStreams: 50,
  })
})

test('an empty variable counts as one that is not set', () => {
  expect(
    readConfig({ DATABASE_URL, RISC_CONCURRENCY: '', RISC_WORKER_NAME: '', RISC_UNHEARD_OF: '' }, defaults),
  ).toEqual(readConfig({ DATABASE_URL }, defaults))
})

test('health and metrics are served to this host alone unless another address is named', () => {
  const { http } = readConfig({ DATABASE_URL, RISC_HTTP_PORT: '9464' }, defaults)
  expect(http).toEqual({ host: '127.0.0.1', port: 9464 })
})

test('all problems are reported at once, a misspelt setting with what was meant', () => {
  const env = {
    RISC_CONCURRENCY: 'many',
    RISC_ALLOW_LOOPBACK: 'yes',
    RISC_ALLOW_NAT64: '1',
    RISC_DNS_SERVERS: 'dns.example',
    RISC_HTTPS_PROXY: 'proxy.example:3128',
    RISC_SHUTDOWN_SECONDS: '-1',
    RISC_KEEP_DEAD_DAYS: '0',
    RISC_KEEP_HISTORY_DAYS: '36501',
    RISC_KEEP_ATTEMPTS_DAYS: 'ever',
    RISC_LOG_LEVEL: 'loud',
    RISC_WORKER_NAME: 'eu 1',
    RISC_HTTP_PORT: '65536',
    RISC_HTTP_HOST: 'localhost',
    RISC_METRICS_STREAMS: 'all',
    RISC_CONCURENCY: '10',
    RISC_COLOUR_OF_THE_BIKESHED: 'red',
  }
  expect(problems(env)).toEqual([
    'DATABASE_URL is required, as postgres://user:password@host:5432/database',
    'RISC_CONCURRENCY must be a whole number from 1 to 2000',
    'RISC_ALLOW_LOOPBACK must be true or false',
    'RISC_ALLOW_NAT64 must be true or false',
    'RISC_DNS_SERVERS must be addresses, as 192.0.2.53,[2001:db8::53]:5353',
    'RISC_HTTPS_PROXY must be a URL such as http://proxy.example:3128',
    'RISC_SHUTDOWN_SECONDS must be a whole number from 0 to 3600',
    'RISC_KEEP_DEAD_DAYS must be a whole number of days from 1 to 36500, or forever',
    'RISC_KEEP_HISTORY_DAYS must be a whole number of days from 1 to 36500, or forever',
    'RISC_KEEP_ATTEMPTS_DAYS must be a whole number of days from 1 to 36500, or forever',
    'RISC_LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
    'RISC_WORKER_NAME must be 1 to 100 visible ASCII characters',
    'RISC_HTTP_PORT must be a whole number from 0 to 65535',
    'RISC_HTTP_HOST must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::',
    'RISC_METRICS_STREAMS must be a whole number from 0 to 10000',
    'RISC_CONCURENCY is not a setting (did you mean RISC_CONCURRENCY?)',
    'RISC_COLOUR_OF_THE_BIKESHED is not a setting',
  ])
})

test('what Kubernetes tells of a service called risc-worker is no misspelt setting', () => {
  const env = {
    DATABASE_URL,
    RISC_WORKER_SERVICE_HOST: '10.0.0.7',
    RISC_WORKER_SERVICE_PORT_METRICS: '9090',
    RISC_WORKER_PORT: 'tcp://10.0.0.7:9090',
    RISC_WORKER_PORT_9090_TCP_ADDR: '10.0.0.7',
  }
  expect(problems(env)).toEqual([])
})

test('the error has a code and says all of it', () => {
  const caught = (() => {
    try {
      return readConfig({ RISC_CONCURRENCY: '0' }, defaults)
    } catch (error) {
      return error
    }
  })()
  expect(caught).toMatchObject({ name: 'InvalidConfigError', code: 'ERR_RISC_INVALID_CONFIG' })
  expect(String(caught)).toMatch(/DATABASE_URL is required.*\n {2}RISC_CONCURRENCY must be/)
})

test.each(['0', '2001', '1.5', '1e2', '0x10', ' 5', '-1', '9'.repeat(30)])('a concurrency of %j is refused', (text) => {
  expect(problems({ DATABASE_URL, RISC_CONCURRENCY: text })).toHaveLength(1)
})

test.each([
  'mysql://db.example/idp',
  'db.example/idp',
  'postgres://risc:pa#ss@db.example/idp',
  'postgres://risc:pa ss@db.example/idp',
  'postgres://risc:pass@db.example:port/idp',
])('%j is no DATABASE_URL', (url) => {
  expect(problems({ DATABASE_URL: url })).toEqual([expect.stringMatching(/^DATABASE_URL must be a URL such as /)])
})

test('a certificate file that DATABASE_URL names has to be there', () => {
  expect(problems({ DATABASE_URL: `${DATABASE_URL}?sslrootcert=/no/such/file` })).toEqual([
    'DATABASE_URL cannot be used by the driver: does it name a certificate file that is not there?',
  ])
})

test('no message holds a value: a secret may be in the wrong variable', () => {
  const secret = 'hunter2'
  const names = ['DATABASE_URL', 'RISC_CONCURRENCY', 'RISC_ALLOW_LOOPBACK', 'RISC_SHUTDOWN_SECONDS', 'RISC_LOG_LEVEL']
  const env = Object.fromEntries([...names, 'RISC_CONCURENCY'].map((name) => [name, secret]))
  expect(problems(env)).toHaveLength(6)
  expect(problems({ ...env, RISC_WORKER_NAME: `${secret}\n` }).join()).not.toContain(secret)
})
