import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildClaims, loadSigningKeys, newJti, resolveEvent, type Signer, type SigningKeys, signSet } from 'risc-set'
import type { Findings } from './findings.ts'
import { definePart, type Part } from './part.ts'
import { spread, turns } from './rounds.ts'

const SECONDS = 0.25
const WIDTHS = [1, 64]
const SIGNER_MS = 5

/** What signs, and how many SETs at a time. */
interface Lane {
  readonly name: string
  readonly keys: SigningKeys
  readonly width: number
  readonly perSecond: number[]
  readonly cpuMicros: number[]
}

/** SETs signed per second by one process, and the CPU time that each takes. */
export const part: Part = definePart<{ readonly rounds: number }>({
  name: 'sign',
  about: 'SETs signed per second by one process, by algorithm and through a signer function',
  minutes: 1,
  options: { rounds: 7 },
  quick: { rounds: 1 },
  run: compareSigning,
})

async function compareSigning({ rounds }: { readonly rounds: number }): Promise<Findings> {
  const lanes: Lane[] = (await openKeys()).flatMap((one) =>
    WIDTHS.map((width) => ({ ...one, width, perSecond: [], cpuMicros: [] })),
  )
  for (const lane of lanes) await measure(lane)
  for (let round = 0; round < rounds; round++) {
    for (const [, lane] of turns(lanes, round)) {
      const { perSecond, cpuMicros } = await measure(lane)
      lane.perSecond.push(perSecond)
      lane.cpuMicros.push(cpuMicros)
    }
  }
  return findingsOf(lanes, rounds)
}

async function openKeys(): Promise<{ name: string; keys: SigningKeys }[]> {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signP256 = promisify(sign)
  const signer: Signer = (input) => signP256('sha256', input, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' })
  const far: Signer = (input, key) => sleep(SIGNER_MS).then(() => signer(input, key))
  const publicSet = { keys: [p256.publicKey.export({ format: 'jwk' })] }
  return Promise.all([
    load('RS256, 2048 bits', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'RS256'),
    load('PS256, 2048 bits', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'PS256'),
    load('ES256', p256.privateKey),
    load('ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
    load('EdDSA', generateKeyPairSync('ed25519').privateKey),
    loadSigningKeys(publicSet, { signer }).then((keys) => ({ name: 'ES256 by a signer', keys })),
    loadSigningKeys(publicSet, { signer: far }).then((keys) => ({
      name: `ES256 by a signer ${SIGNER_MS} ms away`,
      keys,
    })),
  ])
}

async function load(name: string, key: KeyObject, alg?: string): Promise<{ name: string; keys: SigningKeys }> {
  return { name, keys: await loadSigningKeys({ keys: [{ ...key.export({ format: 'jwk' }), ...(alg && { alg }) }] }) }
}

const claims = buildClaims({
  profile: 'ssf',
  issuer: 'https://idp.example/',
  audience: ['https://rp.example/events'],
  jti: newJti(),
  txn: newJti(),
  issuedAt: new Date(),
  event: resolveEvent({ type: 'account-disabled', reason: 'hijacking' }),
  subject: { format: 'iss_sub', iss: 'https://idp.example/', sub: '8d31a4c1-7c1e-4f4f-9d0b-000000000000' },
})

async function measure({ keys, width }: Lane): Promise<{ perSecond: number; cpuMicros: number }> {
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const deadline = startedAt + SECONDS * 1000
  let signed = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (performance.now() < deadline) {
        await signSet(claims, keys)
        signed++
      }
    }),
  )
  const { user, system } = process.cpuUsage(cpuBefore)
  return { perSecond: (signed * 1000) / (performance.now() - startedAt), cpuMicros: (user + system) / signed }
}

function findingsOf(lanes: readonly Lane[], rounds: number): Findings {
  return {
    tables: [
      {
        caption: `${rounds} interleaved rounds of ${SECONDS} s each, one process; CPU time of all its threads`,
        columns: [{ name: 'signed by' }, { name: 'at once' }, { name: 'SETs per second' }, { name: 'CPU µs per SET' }],
        rows: lanes.map(({ name, width, perSecond, cpuMicros }) => [name, width, spread(perSecond), spread(cpuMicros)]),
      },
    ],
    verdicts: [],
    plot: {
      kind: 'bars',
      unit: 'SETs signed per second, one process',
      bars: lanes.map(({ name, width, perSecond }) => ({
        name: `${name}, ${width} at once`,
        value: spread(perSecond),
      })),
    },
  }
}
