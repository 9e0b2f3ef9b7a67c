import { describe, expect } from 'vitest'
import type { NameRecords } from '../support/dns-server.ts'
import { type PushMore, type TlsPartner, test } from './pushing.ts'

const NAME = 'partner.example'
const ACCEPTED = { kind: 'response', status: 202 }
const FORBIDDEN = { kind: 'blocked', rule: 'address_forbidden' }
const PRIVATE = { kind: 'blocked', rule: 'address_private' }
const URL_RULE = { kind: 'blocked', rule: 'url_not_allowed' }

const urlOf = (bank: TlsPartner, host = NAME): string => `https://${host}:${bank.port}/`

function settings(bank: TlsPartner, authority: { readonly cert: string }): PushMore {
  return { allowedPorts: [bank.port], tls: { caCertificates: authority.cert, client: undefined } }
}

describe('no address of a name is connected to when one of them is refused', () => {
  test.for<[string, NameRecords, object]>([
    ['loopback', { a: ['127.0.0.1'] }, FORBIDDEN],
    ['loopback, IPv6', { aaaa: ['::1'] }, FORBIDDEN],
    ['this host', { a: ['0.0.0.0'] }, FORBIDDEN],
    ['this host, IPv6', { aaaa: ['::'] }, FORBIDDEN],
    ['IPv4-mapped loopback', { aaaa: ['::ffff:127.0.0.1'] }, FORBIDDEN],
    ['IPv4-compatible loopback', { aaaa: ['::127.0.0.1'] }, FORBIDDEN],
    ['SIIT', { aaaa: ['::ffff:0:127.0.0.1'] }, FORBIDDEN],
    ['ISATAP', { aaaa: ['::5efe:127.0.0.1'] }, FORBIDDEN],
    ['NAT64', { aaaa: ['64:ff9b::127.0.0.1'] }, FORBIDDEN],
    ['6to4', { aaaa: ['2002:7f00:1::'] }, FORBIDDEN],
    ['Teredo', { aaaa: ['2001:0:1::1'] }, FORBIDDEN],
    ['link-local metadata', { a: ['169.254.169.254'] }, FORBIDDEN],
    ['link-local, IPv6', { aaaa: ['fe80::1'] }, FORBIDDEN],
    ['Azure’s WireServer', { a: ['168.63.129.16'] }, FORBIDDEN],
    ['metadata of AWS, IPv6', { aaaa: ['fd00:ec2::254'] }, FORBIDDEN],
    ['multicast', { a: ['224.0.0.1'] }, FORBIDDEN],
    ['a private network', { a: ['10.0.0.5'] }, PRIVATE],
    ['carrier-grade NAT', { a: ['100.64.0.1'] }, PRIVATE],
    ['unique local addresses', { aaaa: ['fd12:3456::1'] }, PRIVATE],
    ['private and forbidden ones', { a: ['10.0.0.5', '127.0.0.1'] }, FORBIDDEN],
    ['a public address and loopback', { a: ['8.8.8.8', '127.0.0.1'] }, FORBIDDEN],
    ['loopback and a public address', { a: ['127.0.0.1', '8.8.8.8'] }, FORBIDDEN],
    ['a public address, and loopback by IPv6', { a: ['8.8.8.8'], aaaa: ['::1'] }, FORBIDDEN],
    ['another name that is loopback', { cname: 'inside.example' }, FORBIDDEN],
  ])('%s', async ([, records, expected], { authority, nameServer, partner, pusher }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: records, 'inside.example': { a: ['127.0.0.1'] } })
    const { push } = pusher({ allowLoopback: false, dnsServers: [dns.address] })
    expect(await push(urlOf(bank), settings(bank, authority))).toEqual(expected)
    expect(bank.connections).toBe(0)
  })

  // 127.0.0.1 is allowed here. 0.0.0.0 and the mapped address reach the same socket, and are not.
  test.for<[string, NameRecords]>([
    ['the second one', { a: ['127.0.0.1', '0.0.0.0'] }],
    ['the first one', { a: ['0.0.0.0', '127.0.0.1'] }],
    ['that of the other family', { a: ['127.0.0.1'], aaaa: ['::ffff:127.0.0.1'] }],
    ['the one to try after one where nobody listens', { a: ['127.0.0.9', '0.0.0.0'] }],
  ])('%s', async ([, records], { authority, nameServer, partner, pusher }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: records })
    const { push } = pusher({ dnsServers: [dns.address] })
    expect(await push(urlOf(bank), settings(bank, authority))).toEqual(FORBIDDEN)
    expect(bank.connections).toBe(0)
  })
})

describe('what was judged is what is connected to', () => {
  test('a name that changes while it is connected to leads to the address that was judged', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'], ttl: 0 } })
    dns.onQuestion = ({ length }) => {
      if (length > 2) dns.zone = { [NAME]: { a: ['0.0.0.0'], ttl: 0 } } // after one question for each family
    }
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(urlOf(bank), settings(bank, authority))
    expect(answer).toMatchObject({ ...ACCEPTED, connectedTo: `127.0.0.1:${bank.port}` })
    expect(dns.questions.toSorted()).toEqual([`${NAME} A`, `${NAME} AAAA`])
  })

  test('a kept connection is not used once the name leads elsewhere', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    let now = 0
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'], ttl: 30 } })
    const { push } = pusher({ dnsServers: [dns.address] }, () => now)
    await push(urlOf(bank), settings(bank, authority))
    dns.zone = { [NAME]: { a: ['0.0.0.0'] } }
    now = 29_999
    expect(await push(urlOf(bank), settings(bank, authority))).toMatchObject(ACCEPTED)
    const before = bank.received
    now = 30_000
    expect(await push(urlOf(bank), settings(bank, authority))).toEqual(FORBIDDEN)
    expect(bank).toMatchObject({ connections: 1, received: before })
  })

  test('a kept connection is not used under other settings of the stream', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    const before = settings(bank, authority)
    await push(urlOf(bank), before)
    expect(await push(urlOf(bank), { ...before, allowedPorts: [] })).toEqual(URL_RULE)
    expect(await push(urlOf(bank), { ...before, allowedNetworks: ['10.0.0.0/8'] })).toMatchObject(ACCEPTED)
    const withoutAuthority = { allowedPorts: [bank.port] }
    expect(await push(urlOf(bank), withoutAuthority)).toEqual({ kind: 'failure', failure: 'certificate_untrusted' })
    expect(bank.connections).toBe(3)
  })

  test('a connection that is always in use is made anew after five minutes', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    let now = 0
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] }, () => now)
    for (const minute of [0, 1, 2, 3, 4, 5]) {
      now = minute * 60_000
      await push(urlOf(bank), settings(bank, authority))
    }
    expect(bank.connections).toBe(1)
    now = 300_001
    await push(urlOf(bank), settings(bank, authority))
    await push(urlOf(bank), settings(bank, authority))
    expect(bank.connections).toBe(2)
  })

  test('another judged address takes over where nobody listens at the first', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { aaaa: ['::1'], a: ['127.0.0.9', '127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(urlOf(bank), settings(bank, authority))
    expect(answer).toMatchObject({ ...ACCEPTED, connectedTo: `127.0.0.1:${bank.port}` })
  })
})

describe('a URL is judged as it is read, however it is spelt', () => {
  test.for([
    ['127.0.0.1', FORBIDDEN],
    ['127.1', FORBIDDEN],
    ['127.0.0.1.', FORBIDDEN],
    ['2130706433', FORBIDDEN],
    ['0x7f.1', FORBIDDEN],
    ['0177.0.0.1', FORBIDDEN],
    ['０x7f.1', FORBIDDEN],
    ['①②⑦.0.0.1', FORBIDDEN],
    ['0', FORBIDDEN],
    ['[::1]', FORBIDDEN],
    ['[::]', FORBIDDEN],
    ['[::ffff:127.0.0.1]', FORBIDDEN],
    ['[::ffff:7f00:1]', FORBIDDEN],
    ['[::127.0.0.1]', FORBIDDEN],
    ['[64:ff9b::7f00:1]', FORBIDDEN],
    ['[::1%25lo]', URL_RULE],
    ['169.254.169.254', FORBIDDEN],
    ['10.0.0.5', PRIVATE],
    ['localhost', URL_RULE],
    ['localhost.', URL_RULE],
    ['bank.localhost', URL_RULE],
    ['intranet', URL_RULE],
    ['1.1.1.1.1', URL_RULE],
    ['localhost%00.example', URL_RULE],
    [`${NAME}.`, URL_RULE],
    [`me@${NAME}`, URL_RULE],
    [`${NAME}%2f@127.0.0.1`, URL_RULE],
  ] as const)('%s is refused', async ([host, expected], { authority, nameServer, partner, pusher }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ allowLoopback: false, dnsServers: [dns.address] })
    expect(await push(urlOf(bank, host), settings(bank, authority))).toEqual(expected)
    expect(bank.connections).toBe(0)
    expect(dns.questions).toEqual([])
  })

  test('plain HTTP and ports that the stream does not allow are refused', async ({
    authority,
    nameServer,
    partner,
    pusher,
  }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    expect(await push(urlOf(bank))).toEqual(URL_RULE)
    expect(await push(urlOf(bank), { allowedPorts: [8443] })).toEqual(URL_RULE)
    expect(await push(`http://${NAME}:${bank.port}/`, settings(bank, authority))).toEqual(URL_RULE)
    expect(bank.connections).toBe(0)
  })

  test.for([301, 302, 303, 307, 308])('a %i to an address is never followed', async (status, { receiver, pusher }) => {
    const inside = await receiver()
    const partner = await receiver(() => ({ status, headers: { location: inside.url } }))
    expect(await pusher().push(partner.url)).toMatchObject({ kind: 'response', status })
    expect(inside.requests).toEqual([])
  })

  test('a literal address of a network that the stream allows is pushed to, no other', async ({ pusher }) => {
    const { push } = pusher({ allowLoopback: false })
    const more = { allowedNetworks: ['fdf7:2b1c::/32'], timeoutMs: 200 }
    expect(await push('https://[fdf7:2b1c::1]/', more)).toMatchObject({ kind: 'failure' })
    expect(await push('https://[fdf7:2b1d::1]/', more)).toEqual(PRIVATE)
  })
})

describe('a name is resolved', () => {
  test('as it is, without a search list, and remembered', async ({ authority, nameServer, partner, pusher }) => {
    const bank = await partner(await authority.issue({ names: ['svc.inside'] }))
    const dns = await nameServer({ 'svc.inside': { a: ['127.0.0.1'] } })
    const { push } = pusher({ dnsServers: [dns.address] })
    for (let n = 0; n < 3; n++) await push(urlOf(bank, 'svc.inside'), settings(bank, authority))
    expect(bank.connections).toBe(1)
    expect(dns.questions.toSorted()).toEqual(['svc.inside A', 'svc.inside AAAA'])
    const unknown = await push(urlOf(bank, 'other.inside'), settings(bank, authority))
    expect(unknown).toEqual({ kind: 'failure', failure: 'name_not_resolved' })
    expect(dns.questions.filter((question) => !question.includes('svc')).toSorted()).toEqual([
      'other.inside A',
      'other.inside AAAA',
    ])
  })

  test.for<[string, NameRecords]>([
    ['is never answered', 'silent'],
    ['fails at the name server', 'servfail'],
    ['has no address', {}],
    ['leads to nothing', { cname: 'nothing.example' }],
  ])('or the push ends, within its time, if the name %s', async ([, records], { nameServer, pusher }) => {
    const dns = await nameServer({ [NAME]: records })
    const { push } = pusher({ dnsServers: [dns.address] })
    const answer = await push(`https://${NAME}/`, { timeoutMs: 300 })
    expect(answer).toEqual({ kind: 'failure', failure: 'name_not_resolved' })
  })

  test('by one family when the other is never answered', async ({ authority, nameServer, partner, pusher }) => {
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({ [NAME]: { a: ['127.0.0.1'], aaaa: 'silent' } })
    const { push } = pusher({ dnsServers: [dns.address] })
    expect(await push(urlOf(bank), settings(bank, authority))).toMatchObject(ACCEPTED)
  })

  test('while a hundred other names are never answered', async ({ authority, nameServer, partner, pusher }) => {
    const names = Array.from({ length: 100 }, (_, n) => `silent-${n}.example`)
    const bank = await partner(await authority.issue({ names: [NAME] }))
    const dns = await nameServer({
      [NAME]: { a: ['127.0.0.1'] },
      ...Object.fromEntries(names.map((name) => [name, 'silent' as const])),
    })
    const { push } = pusher({ dnsServers: [dns.address] })
    let silent = 0
    const waiting = names.map((name) => push(`https://${name}/`).finally(() => silent++))
    expect(await push(urlOf(bank), settings(bank, authority))).toMatchObject(ACCEPTED)
    expect(silent).toBe(0)
    await Promise.all(waiting)
  })
})
