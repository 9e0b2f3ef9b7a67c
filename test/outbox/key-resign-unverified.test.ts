import type { SigningKeys } from 'risc-set'
import { expect } from 'vitest'
import { addWorker, dispatch } from '../worker/rows.ts'
import { type Idp, test } from './idp.ts'
import { keys, kids, owe, prepare, resign, whileSigning } from './resigning.ts'
import { rotate } from './rotation.ts'

const decode = (part: string | undefined) => Buffer.from(part ?? '', 'base64url').toString()
const encode = (text: string) => Buffer.from(text).toString('base64url')

test('whoever can write deliveries cannot have claims signed', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 2)
  const [genuine, other] = await idp.deliveries()
  const [header, claims, signature] = (other?.signed_set ?? '').split('.')
  const stranger = await rotate() // whose key has the same name

  for (const signed_set of [
    `${header}.${encode(decode(claims).replace('u-1 at a', 'u-2 at a'))}.${signature}`,
    `${header}.${claims}.`,
    `${header}.${claims}`,
    genuine?.signed_set ?? '', // another delivery's
    await sign(stranger.before, `${header}.${claims}`),
    'head.bm90IGpzb24.sig',
    'head.bnVsbA.sig',
    'head.W10.sig',
    '',
  ]) {
    await forge(idp, 2, signed_set)
    expect(await resign(idp), signed_set).toEqual({ resigned: 1, remaining: 1, unverified: [other?.jti] })
    expect(await idp.deliveries()).toMatchObject([{ kid: 'new' }, { kid: 'old', signed_set }])
    await idp.pool.query(`update risc.deliveries set kid = 'old', signed_set = $1 where id = 1`, [genuine?.signed_set])
  }
})

test('what the old key signed, but we did not write, holds up nothing', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 2)
  const [, other] = await idp.deliveries()
  const [header, claims] = (other?.signed_set ?? '').split('.')
  await forge(idp, 2, await sign(keys.before, `${header}.${encode(decode(claims).replace('{', '{ '))}`))
  expect(await resign(idp)).toEqual({ resigned: 1, remaining: 1, unverified: [other?.jti] })
})

test('what does not verify is named and holds up nothing else, however much of it there is', async ({ idp }) => {
  await prepare(idp)
  await owe(idp, 9)
  const jtis = (await idp.deliveries()).map(({ jti }) => jti)
  for (const id of [1, 2, 3, 4, 6, 9]) await forge(idp, id)
  expect(await resign(idp, 2)).toEqual({ resigned: 2, remaining: 7, unverified: [0, 1, 2, 3, 5].map((n) => jtis[n]) })
  expect(await resign(idp, 2)).toEqual({
    resigned: 1,
    remaining: 6,
    unverified: [0, 1, 2, 3, 5, 8].map((n) => jtis[n]),
  })
  expect(await kids(idp)).toEqual(['old', 'old', 'old', 'old', 'new', 'old', 'new', 'new', 'old'])
})

test('what does not verify is not counted once it is gone, lest it hide what is in flight', async ({ idp }) => {
  await prepare(idp)
  await idp.pool.query('update risc.streams set max_in_flight = 1')
  await owe(idp, 3)
  await addWorker(idp.pool)
  await dispatch(idp.pool)
  await forge(idp, 2)
  const outbox = whileSigning(idp, (worker) => worker.query('delete from risc.deliveries where id = 2'))
  expect(await resign(idp, 3, outbox)).toEqual({ resigned: 1, remaining: 1, unverified: [] })
})

async function forge(idp: Idp, id: number, signedSet = 'head.e30.sig'): Promise<void> {
  await idp.pool.query('update risc.deliveries set signed_set = $1 where id = $2', [signedSet, id])
}

async function sign({ active }: SigningKeys, input: string): Promise<string> {
  return `${input}.${Buffer.from(await active.sign(Buffer.from(input))).toString('base64url')}`
}
