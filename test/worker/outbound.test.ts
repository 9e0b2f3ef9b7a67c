import { X509Certificate } from 'node:crypto'
import { expect } from 'vitest'
import { until } from '../support/until.ts'
import { test } from './pushing.ts'
import { addDeliveries, addStream } from './rows.ts'

const NAME = 'partner.example'

test('history proves which certificate the receiver showed, and its stream knows until when that is valid', async ({
  authority,
  database,
  nameServer,
  partner,
  start,
}) => {
  const certificate = await authority.issue({ names: [NAME] })
  const bank = await partner(certificate, { ca: authority.cert, requestCert: true })
  const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
  const own = await authority.issue({})
  await addStream(database.pool, {
    id: 'a',
    endpoint_url: `https://${NAME}:${bank.port}/`,
    allowed_ports: [bank.port],
    ca_certificates: authority.cert,
    client_certificate: own.cert,
    client_private_key: own.key,
  })
  await addDeliveries(database.pool, 'a', 3)
  start({ dnsServers: [dns.address] })
  const rows = await until(async () => {
    const { rows } = await database.query(
      `select connected_to, encode(certificate_sha256, 'hex') as sha256, certificate_expires_at
       from risc.history h join risc.flow f using (stream_id)`,
    )
    return rows.length === 3 ? rows : undefined
  }, 'history')
  const { fingerprint256, validToDate } = new X509Certificate(certificate.cert)
  const proof = {
    connected_to: `127.0.0.1:${bank.port}`,
    sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
    certificate_expires_at: validToDate,
  }
  expect(rows).toEqual([proof, proof, proof])
})

test('a certificate that has expired is the reason on record, and no SET was sent', async ({
  authority,
  database,
  nameServer,
  partner,
  start,
}) => {
  const past = { notBefore: new Date('2024-01-01'), notAfter: new Date('2024-02-01') }
  const bank = await partner(await authority.issue({ names: [NAME], ...past }))
  const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
  await addStream(database.pool, {
    id: 'a',
    endpoint_url: `https://${NAME}:${bank.port}/`,
    allowed_ports: [bank.port],
    ca_certificates: authority.cert,
  })
  await addDeliveries(database.pool, 'a')
  start({ dnsServers: [dns.address] })
  const row = await until(
    async () => (await database.query('select reason, counted, status from risc.attempts')).rows[0],
    'an attempt',
  )
  expect(row).toEqual({ reason: 'certificate_expired', counted: true, status: null })
  expect(bank.received).toBe('')
})

test('a name that leads to a private address pauses the stream until its network is allowed', async ({
  database,
  nameServer,
  start,
}) => {
  const dns = await nameServer({ [NAME]: { aaaa: ['fdf7:2b1c::1'] } })
  await addStream(database.pool, { id: 'a', endpoint_url: `https://${NAME}/`, timeout_ms: 200 })
  await addDeliveries(database.pool, 'a')
  start({ dnsServers: [dns.address] })
  const paused = await until(
    async () => (await database.query(`select status_reason from risc.streams where status = 'paused'`)).rows[0],
    'a paused stream',
  )
  expect(paused).toEqual({ status_reason: 'address_private' })
  await database.query(`update risc.streams set allowed_networks = '{fdf7:2b1c::/32}', status = 'enabled'`)
  const row = await until(
    async () => (await database.query(`select reason from risc.attempts where counted`)).rows[0],
    'an attempt',
  )
  expect(row?.['reason']).not.toMatch(/^address/)
})

test('a proxy of our own that is not there costs no attempt, and the streams wait for it', async ({
  database,
  start,
}) => {
  await addStream(database.pool, { id: 'a', endpoint_url: `https://${NAME}/` })
  await addDeliveries(database.pool, 'a', 20)
  start({ httpsProxy: 'http://127.0.0.1:1' })
  const flow = await until(
    async () => (await database.query('select open_because from risc.flow where open_until is not null')).rows[0],
    'an open breaker',
  )
  expect(flow).toEqual({ open_because: 'proxy_failed' })
  const { rows } = await database.query('select count(*)::int, sum(attempts)::int as attempts from risc.deliveries')
  expect(rows).toEqual([{ count: 20, attempts: 0 }])
})
