import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindClientKey, bindCredential } from '../../packages/worker/src/credential-binding.ts'
import { noCredentialKeys, readCredentialKeys } from '../../packages/worker/src/credential-keys.ts'
import { createCredentialReader, openCredential } from '../../packages/worker/src/credential-reader.ts'
import { parseReference, readReference } from '../../packages/worker/src/credential-reference.ts'
import { openSealed, sealCredential } from '../../packages/worker/src/sealed-credential.ts'
import { unlock } from '../../packages/worker/src/unlocked-delivery.ts'
import { TEST_KEY, TEST_KEY_SET, TEST_KEYS } from './test-keys.ts'

const BINDING = bindCredential('a', { endpointUrl: 'https://a.example/events', tokenEndpoint: undefined })

describe('what is sealed', () => {
  test('opens as it was, whatever the header says', async () => {
    const header = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
    await fc.assert(
      fc.asyncProperty(header, async (value) => {
        const opened = await openSealed(await sealCredential(value, BINDING, TEST_KEY), BINDING, TEST_KEYS)
        expect(opened).toEqual({ kind: 'opened', value })
      }),
    )
  })

  test('does not open when a single letter of it is another', async () => {
    const sealed = await sealCredential('Bearer s3cret', BINDING, TEST_KEY)
    for (let at = 0; at < sealed.length; at++) {
      for (const letter of ['A', 'B', '.', '~']) {
        if (sealed[at] === letter) continue
        const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1)
        expect(await openSealed(changed, BINDING, TEST_KEYS)).toMatchObject({ kind: 'unavailable' })
      }
    }
  })

  test.for([
    ['another stream', bindCredential('b', { endpointUrl: 'https://a.example/', tokenEndpoint: undefined })],
    ['another origin', bindCredential('a', { endpointUrl: 'https://b.example/', tokenEndpoint: undefined })],
    ['another port', bindCredential('a', { endpointUrl: 'https://a.example:8443/', tokenEndpoint: undefined })],
    [
      'a token endpoint that it was not given for',
      bindCredential('a', { endpointUrl: 'https://a.example/', tokenEndpoint: 'https://b.example/token' }),
    ],
    ['another use', bindClientKey('a')],
  ] as const)('does not open for %s', async ([, binding]) => {
    const sealed = await sealCredential('Bearer s3cret', BINDING, TEST_KEY)
    expect(await openSealed(sealed, binding, TEST_KEYS)).toEqual({ kind: 'unavailable', cause: 'bound_elsewhere' })
  })

  test('does not open without its key, nor with another of the same name', async () => {
    const sealed = await sealCredential('Bearer s3cret', BINDING, TEST_KEY)
    expect(await openSealed(sealed, BINDING, noCredentialKeys)).toEqual({ kind: 'unavailable', cause: 'no_such_key' })
    const other = { ...TEST_KEY, secret: Buffer.alloc(32, 'x') }
    const keys = { active: other, find: () => other }
    expect(await openSealed(sealed, BINDING, keys)).toEqual({ kind: 'unavailable', cause: 'not_authentic' })
  })

  test('whatever is stored, nothing is thrown', async () => {
    const means = { keys: TEST_KEYS, sources: { directory: undefined, env: {} } }
    await fc.assert(
      fc.asyncProperty(fc.string(), async (stored) => {
        expect(await openCredential(stored, BINDING, means)).toMatchObject({ kind: 'unavailable' })
      }),
    )
  })
})

describe('a reference', () => {
  test('reaches the files of its directory, through links within it as Kubernetes has them, and no other', async ({
    onTestFinished,
  }) => {
    const outer = await mkdtemp(join(tmpdir(), 'risc-'))
    onTestFinished(() => rm(outer, { recursive: true }))
    const directory = await mkdtemp(join(outer, 'credentials-'))
    await writeFile(join(outer, 'secret'), 'another’s')
    await writeFile(join(directory, '..data'), 'Bearer s3cret\n')
    await symlink('..data', join(directory, 'partner-a'))
    await symlink(join(outer, 'secret'), join(directory, 'escape'))
    await symlink(outer, join(directory, 'folder'))
    await writeFile(join(directory, 'empty'), '\n')
    const read = (name: string) => readReference({ source: 'file', name, origins: '' }, { directory, env: {} })
    expect(await read('partner-a')).toEqual({ kind: 'opened', value: 'Bearer s3cret' })
    expect(await read('escape')).toEqual({ kind: 'unavailable', cause: 'not_readable' })
    expect(await read('folder')).toEqual({ kind: 'unavailable', cause: 'not_readable' })
    expect(await read('empty')).toEqual({ kind: 'unavailable', cause: 'not_usable' })
    expect(await read('missing')).toEqual({ kind: 'unavailable', cause: 'not_found' })
  })

  test.for([
    'file:../a.credential@',
    'file:.credential@',
    'file:a/b.credential@',
    'file:keys.json@',
    'env:DATABASE_URL@',
    'http:a@',
    'file:a.credential',
  ])('%s is none: it reaches no other file or variable of the worker', (stored) => {
    expect(parseReference(stored)).toBeUndefined()
  })

  test('is read again after two seconds, and not before', async () => {
    const env = { RISC_CREDENTIAL_VALUE_A: 'Bearer old' }
    let now = 0
    const sources = { directory: undefined, env }
    const reader = createCredentialReader({ keys: noCredentialKeys, sources, now: () => now })
    const read = () => reader.read('env:RISC_CREDENTIAL_VALUE_A@https://a.example', BINDING)
    expect(await read()).toMatchObject({ value: 'Bearer old' })
    env.RISC_CREDENTIAL_VALUE_A = 'Bearer new'
    now = 1999
    expect(await read()).toMatchObject({ value: 'Bearer old' })
    now = 2000
    expect(await read()).toMatchObject({ value: 'Bearer new' })
  })
})

test('what has been opened is returned at once, without a promise', async () => {
  const sealed = await sealCredential('Bearer s3cret', BINDING, TEST_KEY)
  const reader = createCredentialReader({ keys: TEST_KEYS, sources: { directory: undefined, env: {} } })
  expect(await reader.read(sealed, BINDING)).toEqual({ kind: 'opened', value: 'Bearer s3cret' })
  expect(reader.read(sealed, BINDING)).toEqual({ kind: 'opened', value: 'Bearer s3cret' })
  const tls = { caCertificates: undefined, client: undefined }
  const connection = { endpointUrl: 'https://a.example/', allowedNetworks: [], allowedPorts: [], tls }
  const delivery = { streamId: 'a', connection, tokenRequest: undefined }
  const credential = 'Bearer s3cret'
  expect(unlock({ ...delivery, credential: sealed }, reader)).toEqual({ kind: 'unlocked', connection, credential })
  expect(unlock({ ...delivery, credential: undefined }, reader)).toEqual({ kind: 'unlocked', connection })
  const moved = bindCredential('a', { endpointUrl: 'https://b.example/', tokenEndpoint: undefined })
  expect(await reader.read(sealed, moved)).toEqual({ kind: 'unavailable', cause: 'bound_elsewhere' })
})

test.for([
  ['no JSON', 'hunter2'],
  ['no set', '[]'],
  ['an empty set', '{"keys":[]}'],
  ['a short key', JSON.stringify({ keys: [{ kty: 'oct', kid: 'a', k: 'aHVudGVyMg' }] })],
  ['a key without a kid', JSON.stringify({ keys: [{ kty: 'oct', k: Buffer.alloc(32).toString('base64url') }] })],
  ['two of one kid', TEST_KEY_SET.replace(/\[(.*)\]/, '[$1,$1]')],
] as const)('a key set with %s is refused, and not quoted', ([, text]) => {
  const result = readCredentialKeys(text)
  expect(result).toMatchObject({ kind: 'unusable', problems: [expect.any(String)] })
  expect(JSON.stringify(result)).not.toMatch(/hunter2|aHVud|a2tr/)
})
