import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addStream } from '../rows.ts'
import { TEST_KEY_SET } from '../test-keys.ts'
import { runCommand, runJson } from './command.ts'

const URL_A = 'https://partner-a.example/events'
const TOKEN_URL = 'https://login.partner-a.example/token'
const OAUTH = ['--oauth-token-url', TOKEN_URL, '--oauth-client-id', 'risc']
const SECRETS = { SECRET: 'hunter2', HEADER: 'Bearer hunter3' }
const NOWHERE = { RISC_CREDENTIAL_KEYS: TEST_KEY_SET, DATABASE_URL: 'postgres://127.0.0.1:1/idp', ...SECRETS }

test('a stream is added with OAuth, changed in parts, shown without its secret, and has a header again', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, ...SECRETS }
  const request = async () => (await pool.query('select token_request from risc.streams')).rows[0].token_request
  const add = ['stream', 'add', 'a', '--url', URL_A, '--authorization-env', 'SECRET', ...OAUTH, '--oauth-scope', 'a b']
  expect(await runJson(add, env)).toEqual({ added: 'a' })
  const basic = { token_endpoint: TOKEN_URL, client_id: 'risc', client_authentication: 'client_secret_basic' }
  expect(await request()).toEqual({ ...basic, scope: 'a b' })

  const set = (...options: string[]) => runCommand(['stream', 'set', 'a', ...options], env)
  const results = [
    await runCommand(['stream', 'show', 'a'], env),
    await set('--oauth-scope', 'none', '--oauth-resource', 'urn:partner-a'),
    await set('--no-oauth', '--authorization-env', 'HEADER'),
    await runCommand(['stream', 'show', 'a', '--json'], env),
  ]
  expect(results).toMatchObject([
    {
      code: 0,
      stdout: expect.stringMatching(
        /oauth-token-url +https:\/\/login[\s\S]+oauth-client-id +risc[\s\S]+oauth-scope +a b/,
      ),
    },
    {
      code: 0,
      stdout: [
        'SETTING         BEFORE  AFTER',
        'oauth-scope     a b     none',
        'oauth-resource  none    urn:partner-a',
        '',
      ].join('\n'),
    },
    { code: 0, stdout: expect.stringMatching(/oauth-token-url +https:\/\/login\S+ +none/) },
    { code: 0, stdout: expect.stringContaining('"token_request": null') },
  ])
  expect(await request()).toBeNull()
  expect(JSON.stringify(results)).not.toContain('hunter')
})

test('a secret is not sent to another token endpoint, nor its tokens to another receiver, unless somebody says so', async ({
  database: { url },
}) => {
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, ...SECRETS }
  await runJson(['stream', 'add', 'a', '--url', URL_A, '--authorization-env', 'SECRET', ...OAUTH], env)
  const set = (...options: string[]) => runCommand(['stream', 'set', 'a', ...options], env)
  const refused = { code: 1, stdout: '', stderr: expect.stringContaining('of another origin') }
  const evil = ['--oauth-token-url', 'https://evil.example/token']
  expect(await set(...evil)).toEqual(refused)
  expect(await set('--url', 'https://evil.example/events')).toEqual(refused)
  expect(await set('--oauth-token-url', 'https://login.partner-a.example/elsewhere')).toMatchObject({ code: 0 })
  expect(await set(...evil, '--keep-authorization')).toMatchObject({ code: 0 })
  expect(await set('--oauth-token-url', TOKEN_URL, '--authorization-env', 'SECRET')).toMatchObject({ code: 0 })
})

test('a secret that is kept comes to no token endpoint that SQL planted, unless somebody names it', async ({
  database: { pool, url },
}) => {
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, ...SECRETS }
  await runJson(['stream', 'add', 'a', '--url', URL_A, '--authorization-env', 'SECRET', ...OAUTH], env)
  await pool.query(
    `update risc.streams set token_request = jsonb_set(token_request, '{token_endpoint}', '"https://evil.example/"')`,
  )
  const keep = (...named: string[]) => runCommand(['stream', 'set', 'a', ...named, '--keep-authorization'], env)
  expect(await keep('--url', URL_A)).toMatchObject({ code: 1, stderr: expect.stringContaining('https://evil.example') })
  expect(await keep('--oauth-token-url', TOKEN_URL)).toMatchObject({ code: 0 })
})

test('what is a header is never taken for a secret, nor a secret for a header', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url, RISC_CREDENTIAL_KEYS: TEST_KEY_SET, ...SECRETS }
  await runJson(['stream', 'add', 'a', '--url', URL_A, '--authorization-env', 'HEADER'], env)
  const row = async () => (await pool.query('select * from risc.streams')).rows[0]
  const set = (...options: string[]) => runCommand(['stream', 'set', 'a', ...options], env)
  const before = await row()
  expect(await set(...OAUTH)).toMatchObject({ code: 64, stderr: expect.stringContaining('OAuth needs the secret') })
  expect(await row()).toEqual(before)
  expect(await set(...OAUTH, '--authorization-env', 'SECRET')).toMatchObject({ code: 0 })
  expect(await set('--no-oauth')).toMatchObject({ code: 64, stderr: expect.stringContaining('is no header') })
  expect(await set('--no-authorization')).toMatchObject({ code: 64, stderr: expect.stringContaining('--no-oauth') })
  expect(await set('--no-oauth', '--no-authorization')).toMatchObject({ code: 0 })
  expect(await row()).toMatchObject({ token_request: null })
})

test.for([
  ['a token URL alone', ['--oauth-token-url', TOKEN_URL], 'both --oauth-token-url and --oauth-client-id'],
  ['a scope alone', ['--oauth-scope', 'a'], 'both --oauth-token-url and --oauth-client-id'],
  ['OAuth without a secret', OAUTH, 'OAuth needs the secret of its client'],
  ['a scope that is none', [...OAUTH, '--oauth-scope', 'a  b'], 'characters that OAuth does not know'],
  ['a client id that is none', ['--oauth-client-id', 'ä'], 'characters that OAuth does not know'],
  ['a resource with a fragment', [...OAUTH, '--oauth-resource', 'https://a.example/#b'], 'without a fragment'],
  ['an unknown way to show the secret', ['--oauth-client-authentication', 'none'], 'client_secret_post'],
  [
    'a token endpoint without TLS',
    [...OAUTH, '--authorization-env', 'SECRET', '--oauth-token-url', 'http://login.example/'],
    '--oauth-token-url is not https:',
  ],
  [
    'a token endpoint inside',
    [...OAUTH, '--authorization-env', 'SECRET', '--oauth-token-url', 'https://10.1.2.3/'],
    '--oauth-token-url leads to a private address',
  ],
] as const)('%s is misuse, and nothing is added', async ([, options, problem]) => {
  const { code, stdout, stderr } = await runCommand(['stream', 'add', 'a', '--url', URL_A, ...options], NOWHERE)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
  expect(stderr).not.toContain('hunter')
})

test('the private network that a stream stops to allow may be its token endpoint’s', async ({
  database: { pool, url },
}) => {
  await addStream(pool, {
    id: 'a',
    endpoint_url: URL_A,
    credential: 'hunter2',
    allowed_networks: ['10.0.0.0/8'],
    token_request: JSON.stringify({
      token_endpoint: 'https://10.1.2.3/token',
      client_id: 'risc',
      client_authentication: 'client_secret_post',
    }),
  })
  expect(await runCommand(['stream', 'set', 'a', '--allow-network', 'none'], { DATABASE_URL: url })).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--oauth-token-url leads to a private address'),
  })
})

test.for([
  [{}, 'without members'],
  [{ token_endpoint: 'https://a.example/', client_id: 'a' }, 'incomplete'],
  [{ token_endpoint: 'ftp://a.example/', client_id: 'a', client_authentication: 'client_secret_post' }, 'no URL'],
  [{ token_endpoint: 'https://a.example/', client_id: 'a', client_authentication: 'none' }, 'an unknown way'],
  [{ token_endpoint: 'https://a.example/', client_id: 1, client_authentication: 'client_secret_post' }, 'a number'],
  [
    { token_endpoint: 'https://a.example/', client_id: 'a', client_authentication: 'client_secret_post', secret: 'b' },
    'an unknown member',
  ],
  ['text', 'no object'],
] as const)('the database takes no token request that is %o: %s', async ([request], { database: { pool } }) => {
  const adding = addStream(pool, { id: 'a', credential: 'x', token_request: JSON.stringify(request) })
  await expect(adding).rejects.toThrow(/token_request_is_complete|cannot delete from scalar/)
})

test('check looks at token endpoints too, and asks for no token', async ({ database: { pool, url }, receiver }) => {
  const [partner, login] = [await receiver(), await receiver()]
  const request = { client_id: 'risc', client_authentication: 'client_secret_basic' }
  const add = (id: string, token_endpoint: string) =>
    addStream(pool, {
      id,
      endpoint_url: partner.url,
      credential: 'hunter2',
      token_request: JSON.stringify({ ...request, token_endpoint }),
    })
  await add('a', login.url)
  await add('b', 'https://10.1.2.3/')
  const { stdout } = await runCommand(['check'], { DATABASE_URL: url, RISC_ALLOW_LOOPBACK: 'true' })
  const lines = stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))
  expect(lines).toContainEqual(['ok', 'stream a, token endpoint', 'accepts connections, without TLS'])
  expect(lines).toContainEqual(['problem', 'stream b, token endpoint', expect.stringContaining('a private address')])
  expect(stdout).toContain('risc-worker stream set b --allow-network …')
  expect(stdout).not.toContain('hunter')
  expect(login.requests).toEqual([])
})
