import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { promisify } from 'node:util'
import { NotInTransactionError } from 'risc-outbox'
import { signSet } from 'risc-set'
import { describe, expect } from 'vitest'
import { serve } from '../../packages/worker/src/http-server.ts'
import { keys } from '../outbox/idp.ts'
import { runCommand } from '../worker/cli/command.ts'
import { test } from '../worker/started-worker.ts'
import { TEST_KEY_SET } from '../worker/test-keys.ts'
import { takeLeaks } from './overheard.ts'
import { findSecrets } from './secrets.ts'
import { findLoggedSecrets } from './server-log.ts'
import { until } from './until.ts'

const run = promisify(execFile)

describe('a secret is found', () => {
  test('whichever it is, also within a string of JSON', async () => {
    const { jwt } = await signSet({ iss: 'a', iat: 1, jti: 'a', aud: 'a', events: {} }, keys)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const secrets = [
      ['SET', jwt],
      ['SET', `${jwt.slice(0, jwt.indexOf('.'))}..aXY.Y2lwaGVydGV4dA.dGFn`],
      ['private key', privateKey.export({ format: 'pem', type: 'pkcs8' })],
      ['private key', JSON.stringify(privateKey.export({ format: 'jwk' }))],
      ['symmetric key', TEST_KEY_SET],
      ['credential', 'Bearer hunter2'],
      ['subject', '{"format":"opaque","id":"8b1a"}'],
      ['e-mail address', 'jane.doe@mail.partner.example'],
      ['e-mail address', 'jane.doe%40mail.partner.example'],
    ] as const
    for (const [kind, secret] of secrets) {
      expect(findSecrets(`a ${secret} b`)).toEqual([kind])
      expect(findSecrets(JSON.stringify({ a: JSON.stringify({ secret }) }))).toEqual([kind])
    }
  })

  test('in what a command prints', async () => {
    await runCommand(['hunter2'], {})
    expect(takeLeaks()).toEqual(['credential in risc-worker hunter2, stderr'])
  })

  test('in what a process prints, though nobody reads it', async () => {
    const print = (stream: string) => `process.${stream}.write('hun'); process.${stream}.write('ter2')`
    await run(process.execPath, ['-e', print('stdout')])
    await run(process.execPath, ['-e', print('stderr')])
    expect(takeLeaks()).toEqual([expect.stringMatching(/^credential .*stdout$/), expect.stringMatching(/stderr$/)])
  })

  test('in what a worker logs', async ({ start }) => {
    const worker = start({ name: 'hunter2' })
    await until(async () => worker.logged.find((line) => JSON.stringify(line).includes('hunter2')), 'a line')
    await worker.stop()
    expect(takeLeaks()).toEqual(['credential in the log of a worker'])
  })

  test.for(['/livez', '/readyz', '/metrics'])('in what is served at %s', async (path) => {
    const page = { status: 200, contentType: 'text/plain', body: '{"reason":"hunter2"}' }
    const server = await serve(new Map([[path, () => page]]), { host: '127.0.0.1', port: 0 }, () => undefined)
    const url = `http://127.0.0.1:${server.port}${path}`
    await fetch(url)
    await server.close()
    expect(takeLeaks()).toEqual([`credential in ${url}`])
  })

  test('in what an error is caused by, though nobody prints it', () => {
    const cause = Object.assign(new Error('no'), { detail: 'Failing row contains (hunter2)' })
    expect(new NotInTransactionError({ cause })).toHaveProperty('code')
    expect(takeLeaks()).toEqual(['credential in an error: NotInTransactionError'])
  })
})

test('what stands before the host of a URL is no e-mail address', () => {
  expect(findSecrets('postgres://risc:pw@db.example/idp https://partner%3Aa@partner.example/')).toEqual([])
})

test('what the server’s log says of our sessions and of the rows that others’ break is looked through', () => {
  const log = [
    '[risc-worker command] ERROR:  no',
    "[risc-worker command] CONTEXT:  unnamed portal with parameters: $1 = 'hunter2'",
    '[risc-worker ledger] STATEMENT:  select',
    "\t'hunter2'",
    '[[unknown]] DETAIL:  Failing row contains (a, hunter2).',
    "[[unknown]] CONTEXT:  unnamed portal with parameters: $1 = 'a', $2 = 'hunter2'",
    "[[unknown]] STATEMENT:  select 'hunter2'",
  ]
  expect(findLoggedSecrets(log.join('\n'))).toEqual([
    expect.stringContaining('[risc-worker command] CONTEXT'),
    expect.stringContaining('[risc-worker ledger] STATEMENT'),
    expect.stringContaining('[[unknown]] DETAIL'),
  ])
})
