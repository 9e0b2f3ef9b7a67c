import { X509Certificate } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { describe, expect } from 'vitest'
import { type Authority, type Certificate, createAuthority, selfSign } from '../support/certificates.ts'
import { SET, test } from './pushing.ts'

const NAME = 'partner.example'
const DAY_MS = 86_400_000

describe('a receiver behind TLS', () => {
  test.for(['TLSv1.2', 'TLSv1.3'] as const)(
    'of a stream’s own authority is pushed to over %s, and leaves the fingerprint and end of its certificate',
    async (version, { authority, nameServer, partner, pusher }) => {
      const certificate = await authority.issue({ names: [NAME] })
      const { fingerprint256, validToDate } = new X509Certificate(certificate.cert)
      const bank = await partner(certificate, { minVersion: version, maxVersion: version })
      const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
      const { push } = pusher({ dnsServers: [dns.address] })
      const more = { allowedPorts: [bank.port], tls: { caCertificates: authority.cert, client: undefined } }
      const sha256 = fingerprint256.replaceAll(':', '').toLowerCase()
      const first = await push(`https://${NAME}:${bank.port}/events`, more)
      expect(first).toEqual({
        kind: 'response',
        status: 202,
        connectedTo: `127.0.0.1:${bank.port}`,
        certificate: { sha256, expiresAt: validToDate },
      })
      const second = await push(`https://${NAME}:${bank.port}/events`, more)
      expect(second).toMatchObject({ certificate: { sha256 } })
      expect(bank.connections).toBe(1)
      const [head = '', body] = bank.received.split('\r\n\r\n')
      expect(head).toMatch(/^POST \/events HTTP\/1\.1\r\n/)
      expect(body?.startsWith(SET)).toBe(true)
    },
  )
})

test('every connection is verified anew, also one that could have resumed a session', async ({
  authority,
  nameServer,
  partner,
  pusher,
}) => {
  let now = 0
  const bank = await partner(await authority.issue({ names: [NAME] }))
  const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
  const { push } = pusher({ dnsServers: [dns.address] }, () => now)
  const more = { allowedPorts: [bank.port], tls: { caCertificates: authority.cert, client: undefined } }
  for (; bank.connections < 3; now += 300_001) {
    const answer = await push(`https://${NAME}:${bank.port}/`, more)
    expect(answer).toMatchObject({ certificate: { sha256: expect.any(String) } })
  }
})

describe('a receiver that cannot be trusted gets no byte of a SET, and the reason says why', () => {
  const at = (days: number): Date => new Date(Date.now() + days * DAY_MS)

  test.for<[string, string, (authority: Authority) => Promise<Certificate>, TlsOptions]>([
    ['vouches for itself', 'certificate_untrusted', () => selfSign({ names: [NAME] }), {}],
    [
      'is vouched for by an authority that the stream does not know',
      'certificate_untrusted',
      async () => (await createAuthority()).issue({ names: [NAME] }),
      {},
    ],
    ['has another name', 'certificate_wrong_name', (authority) => authority.issue({ names: ['other.example'] }), {}],
    [
      'has an address for a name',
      'certificate_wrong_name',
      (authority) => authority.issue({ names: ['127.0.0.1'] }),
      {},
    ],
    [
      'has a certificate that has expired',
      'certificate_expired',
      (authority) => authority.issue({ names: [NAME], notBefore: at(-2), notAfter: at(-1) }),
      {},
    ],
    [
      'has a certificate of the future',
      'certificate_not_yet_valid',
      (authority) => authority.issue({ names: [NAME], notBefore: at(1), notAfter: at(2) }),
      {},
    ],
    [
      'knows TLS 1.1 at most',
      'tls_version',
      (authority) => authority.issue({ names: [NAME] }),
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    ],
  ])('%s: %s', async ([, reason, certificate, options], { authority, nameServer, partner, pusher }) => {
    const bank = await partner(await certificate(authority), options)
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(`https://${NAME}:${bank.port}/`, {
      allowedPorts: [bank.port],
      tls: { caCertificates: authority.cert, client: undefined },
    })
    expect(answer).toEqual({ kind: 'failure', failure: reason })
    expect(bank).toMatchObject({ connections: 1, received: '' })
  })

  test('without authorities of the stream’s own, those of the system are trusted and no others', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(`https://${NAME}:${bank.port}/`, { allowedPorts: [bank.port] })
    expect(answer).toEqual({ kind: 'failure', failure: 'certificate_untrusted' })
    expect(bank.received).toBe('')
  })

  test('one that speaks no TLS at all: tls_version', async ({ nameServer, pusher, receiver }) => {
    const plain = await receiver()
    const { port } = new URL(plain.url)
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(`https://${NAME}:${port}/`, { allowedPorts: [Number(port)] })
    expect(answer).toEqual({ kind: 'failure', failure: 'tls_version' })
    expect(plain.requests).toEqual([])
  })
})

describe('a receiver that wants to know its client', () => {
  test.for(['TLSv1.2', 'TLSv1.3'] as const)(
    'gets the stream’s certificate, over %s',
    async (version, { authority, nameServer, partner, pusher }) => {
      const known = { ca: authority.cert, requestCert: true, minVersion: version, maxVersion: version }
      const bank = await partner(await authority.issue({ names: [NAME] }), known)
      const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
      const { push } = pusher({ dnsServers: [dns.address] })
      const { cert, key } = await authority.issue({})
      const answer = await push(`https://${NAME}:${bank.port}/`, {
        allowedPorts: [bank.port],
        tls: { caCertificates: authority.cert, client: { certificate: cert, privateKey: key } },
      })
      expect(answer).toMatchObject({ kind: 'response', status: 202 })
    },
  )

  test.for([
    ['TLSv1.2', 'tls_failed'],
    ['TLSv1.3', 'client_certificate_required'],
  ] as const)(
    'reads nothing of one without, over %s: %s',
    async ([version, reason], { authority, nameServer, partner, pusher }) => {
      const known = { ca: authority.cert, requestCert: true, minVersion: version, maxVersion: version }
      const bank = await partner(await authority.issue({ names: [NAME] }), known)
      const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
      const { push } = pusher({ dnsServers: [dns.address] })
      const answer = await push(`https://${NAME}:${bank.port}/`, {
        allowedPorts: [bank.port],
        tls: { caCertificates: authority.cert, client: undefined },
      })
      expect(answer).toEqual({ kind: 'failure', failure: reason })
      expect(bank.received).toBe('')
    },
  )

  test('is not connected to with a key that cannot be read', async ({ nameServer, partner, pusher }) => {
    const bank = await partner(await selfSign({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(`https://${NAME}:${bank.port}/`, {
      allowedPorts: [bank.port],
      tls: { caCertificates: undefined, client: { certificate: 'no certificate', privateKey: 'no key' } },
    })
    expect(answer).toEqual({ kind: 'credential_unavailable', cause: 'not_usable' })
    expect(bank.connections).toBe(0)
  })
})
