import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { test } from '../pushing.ts'
import { openStored } from '../rows.ts'
import { TEST_KEY_SET } from '../test-keys.ts'
import { runCommand, runJson } from './command.ts'

const NAME = 'inside.example'

async function files(contents: Readonly<Record<string, string>>): Promise<Partial<Record<string, string>>> {
  const folder = await mkdtemp(join(tmpdir(), 'risc-stream-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const paths = Object.keys(contents).map((name) => [name, join(folder, name)] as const)
  await Promise.all(paths.map(([name, path]) => writeFile(path, contents[name] ?? '')))
  return Object.fromEntries(paths)
}

test('networks, ports, authorities and a client certificate are kept for the stream, its key is never shown', async ({
  authority,
  database,
  nameServer,
}) => {
  const dns = await nameServer({ [NAME]: { a: ['10.20.0.7'] } })
  const env = { DATABASE_URL: database.url, RISC_DNS_SERVERS: dns.address, RISC_CREDENTIAL_KEYS: TEST_KEY_SET }
  const own = await authority.issue({})
  const {
    ca = '',
    certificate = '',
    key = '',
  } = await files({
    ca: `# our own authority\n${authority.cert}`,
    certificate: own.cert,
    key: own.key,
  })
  const argv = [
    ...['stream', 'add', 'a', '--url', `https://${NAME}:8443/`, '--allow-port', '8443', '--allow-port', '9443'],
    ...['--allow-network', '10.20.0.0/16,fd12:3456::/32', '--ca', ca],
    ...['--client-certificate', certificate, '--client-key', key],
  ]
  expect(await runCommand(argv, env)).toEqual({ code: 0, stdout: 'stream a added\n', stderr: '' })
  const { rows } = await database.query('select ca_certificates, client_certificate from risc.streams')
  expect(await openStored(database.pool, 'a', 'client_private_key')).toBe(own.key)
  expect(rows[0]?.['ca_certificates'].trim()).toBe(authority.cert.trim())
  const listed = await runJson(['stream', 'list'], env)
  expect(listed).toMatchObject({
    streams: [
      {
        allowed_networks: ['10.20.0.0/16', 'fd12:3456::/32'],
        allowed_ports: [8443, 9443],
        ca_certificates_digest: expect.stringMatching(/^[0-9a-f]{16}$/),
        client_certificate_digest: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    ],
  })
  expect(JSON.stringify(listed)).not.toContain('BEGIN')
})

test.for([
  ['10.20.0.7', 'leads to a private address'],
  ['127.0.0.1', 'never pushed to'],
])(
  'a name that leads to %s is misuse, and nothing is added',
  async ([address = '', problem = ''], { database, nameServer }) => {
    const dns = await nameServer({ [NAME]: { a: [address] } })
    const env = { DATABASE_URL: database.url, RISC_DNS_SERVERS: dns.address, RISC_CREDENTIAL_KEYS: TEST_KEY_SET }
    const { code, stderr } = await runCommand(['stream', 'add', 'a', '--url', `https://${NAME}/`], env)
    expect(code).toBe(64)
    expect(stderr).toContain(problem)
    expect(stderr).not.toContain(address)
    expect((await database.query('select from risc.streams')).rowCount).toBe(0)
  },
)

test.for<[string, readonly string[], string]>([
  ['a network with bits beyond its prefix', ['--allow-network', '10.20.0.1/16'], 'must be a network'],
  ['a name for a network', ['--allow-network', 'inside.example'], 'must be a network'],
  ['every network', ['--allow-network', '0.0.0.0/0'], 'wider than any private network'],
  ['loopback', ['--allow-network', '127.0.0.0/8'], 'never allowed'],
  ['metadata', ['--allow-network', '169.254.169.254/32'], 'never allowed'],
  ['a port that is none', ['--allow-port', '65536'], 'from 1 to 65535'],
  ['no network at all', ['--allow-network', ''], 'must not be empty'],
  ['no port at all', ['--allow-port', ','], 'must not be empty'],
  ['a network and none', ['--allow-network', '10.20.0.0/16,none'], 'none stands alone'],
  ['none and then a port', ['--allow-port', 'none', '--allow-port', '8443'], 'none stands alone'],
  ['a port and then none', ['--allow-port', '8443', '--allow-port', 'none'], 'none stands alone'],
  ['a file that is not there', ['--ca', '/nowhere/ca.pem'], '--ca cannot be read: ENOENT'],
  ['a file without certificates', ['--ca', '{text}'], '--ca is no file of PEM certificates'],
  ['a broken certificate', ['--ca', '{broken}'], '--ca is no file of PEM certificates'],
  ['a certificate without its key', ['--client-certificate', '{certificate}'], 'need each other'],
  [
    'another certificate’s key',
    ['--client-certificate', '{certificate}', '--client-key', '{otherKey}'],
    '--client-key is no private key of the certificate',
  ],
  ['no key', ['--client-certificate', '{certificate}', '--client-key', '{text}'], '--client-key is no private key'],
])('%s is misuse', async ([, options, problem], { authority }) => {
  const own = await authority.issue({})
  const other = await (await createAuthority()).issue({})
  const broken = own.cert.replace(/[A-Z]{4}/, '____')
  const paths = await files({ certificate: own.cert, otherKey: other.key, text: 'hunter2', broken })
  const argv = options.map((option) => paths[option.slice(1, -1)] ?? option)
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  const result = await runCommand(['stream', 'add', 'a', '--url', 'https://8.8.8.8/', ...argv], env)
  expect(result).toMatchObject({ code: 64, stdout: '' })
  expect(result.stderr).toContain(problem)
  expect(result.stderr).not.toMatch(/hunter2|BEGIN/)
})

test('what is set is judged with what the stream has, and taken back by none', async ({
  authority,
  database,
  nameServer,
}) => {
  const dns = await nameServer({ [NAME]: { a: ['10.20.0.7'] } })
  const env = { DATABASE_URL: database.url, RISC_DNS_SERVERS: dns.address, RISC_CREDENTIAL_KEYS: TEST_KEY_SET }
  const { ca = '' } = await files({ ca: authority.cert })
  const set = (...options: string[]) => runCommand(['stream', 'set', 'a', ...options], env)
  await runCommand(['stream', 'add', 'a', '--url', 'https://8.8.8.8/'], env)

  const inside = ['--url', `https://${NAME}:8443/`, '--audience', 'urn:a']
  expect(await set(...inside)).toMatchObject({ code: 64, stderr: expect.stringContaining('port other than 443') })
  expect(await set('--allow-port', '8443', '--allow-network', '10.20.0.0/16', '--ca', ca)).toMatchObject({ code: 0 })
  expect(await set(...inside)).toMatchObject({ code: 0 })
  expect(await set('--allow-network', 'none')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('leads to a private address'),
  })
  const back = await set('--url', 'https://8.8.8.8/', '--allow-network', 'none', '--allow-port', 'none', '--no-ca')
  expect(back.stdout).toMatch(/allow-network +10\.20\.0\.0\/16 +none\nallow-port +8443 +none\nca +[0-9a-f]{16} +none\n/)
})
