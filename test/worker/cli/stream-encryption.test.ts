import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { test as base } from '../../support/test.ts'
import { runCommand, runJson } from './command.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const privateJwk = privateKey.export({ format: 'jwk' })
const publicJwk = publicKey.export({ format: 'jwk' })

// biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
const test = base.extend('file', async ({}, { onCleanup }) => {
  const folder = await mkdtemp(join(tmpdir(), 'risc-jwk-'))
  onCleanup(() => rm(folder, { recursive: true }))
  return async (content: unknown): Promise<string> => {
    const path = join(folder, 'jwk.json')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
})

const add = (file: string) => ['stream', 'add', 'a', '--url', 'https://a.example/events', '--encrypt-to', file]

test('a stream gets the receiver’s key, checked and named, and the list tells by which', async ({ database, file }) => {
  const env = { DATABASE_URL: database.url }
  const path = await file({ ...publicJwk, kid: 'a-1', key_ops: [], x5u: 'https://a.example/' })
  expect(await runJson(add(path), env)).toEqual({ added: 'a' })
  const { rows } = await database.query('select encryption_key from risc.streams')
  expect(rows).toEqual([{ encryption_key: { ...publicJwk, kid: 'a-1', alg: 'ECDH-ES', use: 'enc' } }])
  expect(await runJson(['stream', 'list'], env)).toMatchObject({ streams: [{ encryption_kid: 'a-1' }] })
})

test.for<[string, unknown, string]>([
  ['a private key', privateJwk, 'jwk.d: must not be there'],
  ['no JSON', 'hunter2', 'must be a JWK object'],
  ['a key to sign with', { ...publicJwk, use: 'sig' }, 'jwk.use: must be "enc"'],
])('%s is misuse that quotes nothing, and no stream is added', async ([, content, problem], { file }) => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
  const { code, stdout, stderr } = await runCommand(add(await file(content)), env)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(problem)
  for (const secret of ['hunter2', privateJwk.d ?? '', publicJwk.x ?? '']) expect(stderr).not.toContain(secret)
})

test('a key is changed, and taken away', async ({ database, file }) => {
  const env = { DATABASE_URL: database.url }
  await runCommand(add(await file({ ...publicJwk, kid: 'a-1' })), env)
  const next = await file({ ...generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }), kid: 'a-2' })
  expect(await runJson(['stream', 'set', 'a', '--encrypt-to', next], env)).toMatchObject({
    changed: { encryption_kid: { from: 'a-1', to: 'a-2' } },
  })
  expect((await runCommand(['stream', 'set', 'a', '--encrypt-to', 'none'], env)).stdout).toMatch(
    /encrypt-to +a-2 +none/,
  )
  expect((await database.query('select encryption_key from risc.streams')).rows).toEqual([{ encryption_key: null }])
})

test('a file that is not there is misuse', async () => {
  const { code, stderr } = await runCommand(add('/nowhere/jwk.json'), { DATABASE_URL: 'postgres://127.0.0.1:1/idp' })
  expect({ code, stderr }).toEqual({ code: 64, stderr: 'risc-worker: --encrypt-to cannot be read: ENOENT\n' })
})
