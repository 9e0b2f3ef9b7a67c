import { generateKeyPairSync } from 'node:crypto'

// Prints a JWK set with one new private key: export RISC_SIGNING_KEYS="$(node new-keys.ts)"
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
console.log(JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] }))
