import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildClaims, loadSigningKeys, newJti, resolveEvent, type Signer, type SigningKeys, signSet } from 'risc-set'
import { type Spread, spread, turns } from './rounds.ts'

const ROUNDS = 7
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

/** SETs signed per second by one process, and the CPU time each takes, by algorithm and through a signer function. */
export async function run(): Promise<void> {
  const lanes: Lane[] = (await openKeys()).flatMap((one) =>
    WIDTHS.map((width) => ({ ...one, width, perSecond: [], cpuMicros: [] })),
  )
  for (const lane of lanes) await measure(lane)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [, lane] of turns(lanes, round)) {
      const { perSecond, cpuMicros } = await measure(lane)
      lane.perSecond.push(perSecond)
      lane.cpuMicros.push(cpuMicros)
    }
  }
  report(lanes)
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
    loadSigningKeys(publicSet, { signer: far }).then((keys) => ({ name: `  … ${SIGNER_MS} ms away`, keys })),
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

function report(lanes: readonly Lane[]): void {
  const lines = lanes.map(({ name, width, perSecond, cpuMicros }) => ({
    name,
    width,
    perSecond: spread(perSecond),
    cpuMicros: spread(cpuMicros),
  }))
  console.log(`${ROUNDS} interleaved rounds of ${SECONDS} s each, one process; CPU time of all its threads`)
  console.log(`${'signed by'.padEnd(18)}  at once  SETs/s (least … most)       CPU µs per SET (least … most)`)
  for (const { name, width, perSecond, cpuMicros } of lines) {
    const rate = shown(perSecond)
    console.log(`${name.padEnd(18)}  ${String(width).padStart(7)}  ${rate.padEnd(26)}  ${shown(cpuMicros)}`)
  }
  console.log(JSON.stringify({ bench: 'sign', rounds: ROUNDS, seconds: SECONDS, lanes: lines }))
}

function shown({ median, min, max }: Spread): string {
  return `${median.toFixed(0)} (${min.toFixed(0)} … ${max.toFixed(0)})`
}
