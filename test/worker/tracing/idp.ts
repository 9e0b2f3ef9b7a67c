// An IdP as a process of its own: enqueues in a traced request, and asks a service of its own by a client that is traced.
import { generateKeyPairSync } from 'node:crypto'
import { trace } from '@opentelemetry/api'
import got from 'got'
import { Client } from 'pg'
import { createOutbox } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'

const [, , databaseUrl = '', serviceUrl = '', user = ''] = process.argv
const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const keys = await loadSigningKeys({ keys: [privateJwk] })
const outbox = createOutbox({ issuer: 'https://idp.example/', keys })
const client = new Client({ connectionString: databaseUrl })
await client.connect()
await trace.getTracer('idp').startActiveSpan('POST /password', async (span) => {
  await got.post(serviceUrl)
  await client.query('begin')
  await outbox.enqueue(client, { type: 'account-disabled', user, reason: 'hijacking' })
  await client.query('commit')
  span.end()
})
await client.end()
