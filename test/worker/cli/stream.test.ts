import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { openStored } from '../rows.ts'
import { TEST_KEY_SET } from '../test-keys.ts'
import { runCommand, runJson } from './command.ts'

const URL_A = 'https://partner-a.example/events'

test('a stream is added with the defaults of the table, and its URL for an audience', async ({ database }) => {
  const env = { DATABASE_URL: database.url }
  const result = await runCommand(['stream', 'add', 'partner-a', '--url', URL_A], env)
  expect(result).toEqual({ code: 0, stdout: 'stream partner-a added\n', stderr: '' })
  expect(await runJson(['stream', 'list'], env)).toEqual({
    streams: [
      {
        id: 'partner-a',
        profile: 'ssf',
        endpoint_url: URL_A,
        allowed_networks: [],
        allowed_ports: [],
        audience: [URL_A],
        events_requested: null,
        status: 'enabled',
        status_reason: null,
        status_changed_at: expect.stringMatching(/Z$/),
        status_changed_by: null,
        ordering: 'subject',
        max_in_flight: 50,
        rate_limit: 1000,
        rate_interval_seconds: 60,
        timeout_ms: 3000,
        retry_delays_ms: [10_000, 60_000, 600_000, 3_600_000],
        max_age_seconds: 259_200,
        has_authorization: false,
        token_request: null,
        encryption_kid: null,
        ca_certificates_digest: null,
        client_certificate_digest: null,
        created_at: expect.stringMatching(/Z$/),
      },
    ],
  })
})

test('a list is told by commas or by repeating the option, and swallows nothing that stands after it', async ({
  database,
}) => {
  const env = { DATABASE_URL: database.url }
  const lists = ['--audience', 'urn:a,urn:b', '--retry-delays', '1s', '--retry-delays', '2s', '--events', 'all']
  expect(await runJson(['stream', 'add', '--url', URL_A, ...lists, 'a'], env)).toEqual({ added: 'a' })
  const { rows } = await database.query('select audience, retry_delays_ms from risc.streams')
  expect(rows).toEqual([{ audience: ['urn:a', 'urn:b'], retry_delays_ms: [1000, 2000] }])
})

test('every setting of a stream can be given, events by short name or URI', async ({ database }) => {
  const env = { DATABASE_URL: database.url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, PARTNER_B: 'Bearer hunter2' }
  const options = [
    ...['--url', 'https://b.example/', '--profile', 'login.gov', '--audience', 'urn:b,https://b.example/'],
    ...['--events', 'account-disabled,password-reset', '--events', 'https://b.example/own', '--max-in-flight', '7'],
    ...['--rate-limit', '30', '--rate-interval', '2m'],
    ...[
      '--timeout-ms',
      '500',
      '--retry-delays',
      '250ms,10s',
      '--retry-delays',
      '1m',
      '--max-age',
      '3d',
      '--authorization-env',
      'PARTNER_B',
    ],
  ]
  expect(await runJson(['stream', 'add', 'b', ...options], env)).toEqual({ added: 'b' })
  const { rows } = await database.query(
    `select profile, audience, events_requested, max_in_flight, rate_limit, rate_interval::text, timeout_ms, retry_delays_ms, max_age = '72 hours' as three_days from risc.streams`,
  )
  expect(rows).toEqual([
    {
      profile: 'login.gov',
      audience: ['urn:b', 'https://b.example/'],
      events_requested: [
        'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
        'https://schemas.login.gov/secevent/risc/event-type/password-reset',
        'https://b.example/own',
      ],
      max_in_flight: 7,
      rate_limit: 30,
      rate_interval: '00:02:00',
      timeout_ms: 500,
      retry_delays_ms: [250, 10_000, 60_000],
      three_days: true,
    },
  ])
  expect(await openStored(database.pool, 'b')).toBe('Bearer hunter2')
})

test('no command prints a credential, only that there is one', async ({ database }) => {
  const env = { DATABASE_URL: database.url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, PARTNER_A: 'Bearer hunter2' }
  const argv = ['stream', 'add', 'partner-a', '--url', URL_A, '--authorization-env', 'PARTNER_A']
  const results = [
    await runCommand(argv, env),
    await runCommand(argv, env),
    await runCommand(['stream', 'list'], env),
    await runCommand(['stream', 'list', '--json'], env),
    await runCommand(['status', '--json'], env),
  ]
  expect(results.map(({ code }) => code)).toEqual([0, 1, 0, 0, 0])
  expect(JSON.stringify(results)).not.toContain('hunter2')
  expect(await runJson(['stream', 'list'], env)).toMatchObject({ streams: [{ has_authorization: true }] })
})

test('an id that is taken is refused, and the stream stays as it was', async ({ database }) => {
  const env = { DATABASE_URL: database.url }
  await runCommand(['stream', 'add', 'partner-a', '--url', URL_A], env)
  const again = await runCommand(['stream', 'add', 'partner-a', '--url', 'https://b.example/'], env)
  expect(again).toEqual({ code: 1, stdout: '', stderr: 'risc-worker: there is a stream partner-a already\n' })
  expect(await runJson(['stream', 'list'], env)).toMatchObject({ streams: [{ endpoint_url: URL_A }] })
})

test.each([
  ['an id of other characters', ['a b', '--url', URL_A], '<id> must be'],
  ['plain HTTP', ['a', '--url', 'http://partner-a.example/'], '--url is not https:'],
  ['loopback', ['a', '--url', 'http://127.0.0.1:8080/'], '--url is not https:'],
  [
    'a URL that holds a credential',
    ['a', '--url', 'https://me:hunter2@partner-a.example/'],
    '--url carries credentials',
  ],
  ['an unknown event', ['a', '--url', URL_A, '--events', 'acount-disabled'], 'did you mean account-disabled?'],
  ['no event', ['a', '--url', URL_A, '--events', ','], 'must not be empty'],
  ['an empty audience', ['a', '--url', URL_A, '--audience', ''], 'must not be empty'],
  ['a delay without a unit', ['a', '--url', URL_A, '--retry-delays', '10'], 'a duration such as'],
  ['a delay of more than an integer holds', ['a', '--url', URL_A, '--retry-delays', '25d'], 'at most 24d'],
  ['no window', ['a', '--url', URL_A, '--max-in-flight', '0'], 'a whole number from 1'],
  ['a timeout that is none', ['a', '--url', URL_A, '--timeout-ms', '99'], 'from 100 to 60000'],
  ['a variable that is not set', ['a', '--url', URL_A, '--authorization-env', 'NOTHING'], 'NOTHING is not set'],
  ['a credential with a line break', ['a', '--url', URL_A, '--authorization-env', 'BROKEN'], 'BROKEN holds characters'],
  ['a credential beyond Latin-1', ['a', '--url', URL_A, '--authorization-env', 'SNOW'], 'SNOW holds characters'],
])('%s is misuse, and nothing is added', async (_, argv, problem) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp', BROKEN: 'Bearer hunter2\r\nX: y', SNOW: 'Bearer hunter2☃' }
  const { code, stdout, stderr } = await runCommand(['stream', 'add', ...argv], env)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
  expect(stderr).not.toContain('hunter2')
})

test('RISC_ALLOW_LOOPBACK=true allows a receiver on this machine', async ({ database }) => {
  const env = { DATABASE_URL: database.url, RISC_ALLOW_LOOPBACK: 'true' }
  expect(await runCommand(['stream', 'add', 'a', '--url', 'http://127.0.0.1:8080/'], env)).toMatchObject({ code: 0 })
})

test('a credential may come from a variable of any name', async ({ database }) => {
  const env = { DATABASE_URL: database.url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, RISC_PARTNER_A: 'Bearer hunter2' }
  const argv = ['stream', 'add', 'a', '--url', URL_A, '--authorization-env', 'RISC_PARTNER_A']
  expect(await runCommand(argv, env)).toMatchObject({ code: 0 })
})

test('stream list shows one line per stream, or how to add one', async ({ database }) => {
  const env = { DATABASE_URL: database.url }
  expect(await runCommand(['stream', 'list'], env)).toMatchObject({
    stdout: '',
    stderr: expect.stringMatching('stream add'),
  })
  await runCommand(['stream', 'add', 'partner-a', '--url', URL_A], env)
  await runCommand(['stream', 'add', 'b', '--url', URL_A, '--events', 'account-disabled'], env)
  expect((await runCommand(['stream', 'list'], env)).stdout).toBe(
    [
      'STREAM     STATUS   ENDPOINT                          PROFILE  EVENTS  WINDOW  RATE      AUTHORIZATION',
      `b          enabled  ${URL_A}  ssf           1      50  1000/60s  none`,
      `partner-a  enabled  ${URL_A}  ssf         all      50  1000/60s  none`,
      '',
    ].join('\n'),
  )
})
