import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { jwksDocument, loadSigningKeys, newJti, nodeListener, type SigningKeys, signSet } from 'risc-set'
import { expect } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { test } from '../support/test.ts'
import { audience, claimsOf, issuer, jwkOf, privateJwks, subject } from './fixture.ts'

const keys = await loadSigningKeys({ keys: [{ ...privateJwks.RS256, kid: 'k1' }] })
const otherJwk = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
const stranger = await loadSigningKeys({ keys: [{ ...otherJwk, kid: 'k1' }] })

test('examples/receiver stores a SET and reacts to it once, however often it comes, and to a forged one never', async ({
  database,
}) => {
  await using idp = await serveJwks()
  await using partner = await startPartner(database.url, idp.jwksUrl)
  await addAccounts(database)
  const jwt = await disabling(keys)

  expect(await Promise.all(Array.from({ length: 8 }, () => partner.push(jwt)))).toEqual(Array(8).fill(202))
  expect([await partner.push(jwt), await partner.push(await disabling(stranger))]).toEqual([202, 400])

  expect(await stored(database)).toEqual([jtiOf(jwt)])
  const { rows } = await database.query('select idp_sub, disabled, reactions from accounts order by idp_sub')
  expect(rows).toEqual([
    { idp_sub: subject.sub, disabled: true, reactions: 1 },
    { idp_sub: 'somebody else', disabled: false, reactions: 0 },
  ])
})

test.for([
  [
    'reaction',
    'alter table accounts add constraint broken check (not disabled)',
    'alter table accounts drop constraint broken',
  ],
  [
    'commit',
    `create function fail() returns trigger language plpgsql as $$ begin raise 'broken'; end $$;
     create constraint trigger broken after insert on received_sets deferrable initially deferred
       for each row execute function fail()`,
    'drop trigger broken on received_sets',
  ],
] as const)(
  'examples/receiver neither notes a SET nor reacts to it when the %s fails, so it comes again',
  async ([, harm, repair], { database }) => {
    await using idp = await serveJwks()
    await using partner = await startPartner(database.url, idp.jwksUrl)
    await addAccounts(database)
    const jwt = await disabling(keys)
    const disabled = async () => (await database.query('select from accounts where disabled')).rowCount

    await database.query(harm)
    expect(await partner.push(jwt)).toBe(503)
    expect([await stored(database), await disabled()]).toEqual([[], 0])
    await database.query(repair)
    expect(await partner.push(jwt)).toBe(202)
    expect([await stored(database), await disabled()]).toEqual([[jtiOf(jwt)], 1])
  },
)

test('examples/receiver says everything that its environment lacks', async () => {
  const child = runExample({ DATABASE_URL: '', PORT: 'http', ISSUER: '', AUDIENCE: '', JWKS_URL: '/jwks.json' })
  const [[code], said] = await Promise.all([once(child, 'exit'), text(child.stderr)])
  expect(code).toBe(64)
  expect(said.match(/^[A-Z_]+(?= must be )/gm)).toEqual(['DATABASE_URL', 'PORT', 'ISSUER', 'AUDIENCE', 'JWKS_URL'])
})

/** A SET of its own that disables the account of `subject`. */
async function disabling(signedBy: SigningKeys): Promise<string> {
  const event = { type: 'account-disabled', reason: 'hijacking' }
  return (await signSet(claimsOf({ issuedAt: new Date(), jti: newJti() }, event), signedBy)).jwt
}

async function serveJwks() {
  const server = createServer(nodeListener(jwksDocument(keys))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

async function startPartner(databaseUrl: string, jwksUrl: string) {
  const env = { DATABASE_URL: databaseUrl, PORT: '0', ISSUER: issuer, AUDIENCE: audience, JWKS_URL: jwksUrl }
  const child = runExample(env)
  child.stderr.resume()
  const [started] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  const port = /port: (\d+)/.exec(String(started))?.[1]
  return {
    async push(jwt: string): Promise<number> {
      const headers = { 'content-type': 'application/secevent+jwt', accept: 'application/json' }
      return (await fetch(`http://localhost:${port}/`, { method: 'POST', headers, body: jwt })).status
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

function runExample(env: Record<string, string>) {
  const file = fileURLToPath(new URL('../../examples/receiver/receiver.ts', import.meta.url))
  return spawn(process.execPath, [file], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Two accounts in the example's tables. One disabled twice looks like one disabled once, so the database counts. */
async function addAccounts(database: TestDatabase): Promise<void> {
  await database.query(`
    insert into accounts (idp_sub) values ('${subject.sub}'), ('somebody else');
    alter table accounts add reactions integer not null default 0;
    create function note_reaction() returns trigger language plpgsql as $$
      begin new.reactions := old.reactions + 1; return new; end $$;
    create trigger note before update on accounts for each row execute function note_reaction()`)
}

async function stored(database: TestDatabase): Promise<string[]> {
  const { rows } = await database.query<{ issuer: string; jti: string }>('select issuer, jti from received_sets')
  expect(rows.every((row) => row.issuer === issuer)).toBe(true)
  return rows.map(({ jti }) => jti)
}

function jtiOf(jwt: string): string {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).jti
}
