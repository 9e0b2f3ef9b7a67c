import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { createAgents } from '../../packages/worker/src/agents.ts'
import type { StreamConnection } from '../../packages/worker/src/stream-connection.ts'
import { selfSign } from '../support/certificates.ts'
import { test } from '../support/test.ts'
import { until } from '../support/until.ts'

const MINUTE = 60_000
const network = { allowLoopback: true, allowNat64: false, dnsServers: [], httpsProxy: undefined }
const connection: StreamConnection = {
  endpointUrl: 'https://partner.example/',
  allowedNetworks: [],
  allowedPorts: [],
  tls: { caCertificates: undefined, client: undefined },
}

test('what a stream had is closed and forgotten once nobody has used it for ten minutes', async ({ receiver }) => {
  const { url } = await receiver()
  let time = 0
  const agents = createAgents(network, () => time)
  const removed = agents.of('removed', connection)
  const response = await new Promise<Parameters<typeof text>[0]>((resolve) => {
    get(url, { agent: removed.agent.http }, resolve)
  })
  await text(response)
  const idle = () => Object.values(removed.agent.http.freeSockets).flat().length
  expect(idle()).toBe(1)

  const used = agents.of('used', connection)
  time = 9 * MINUTE
  expect(agents.of('used', connection)).toBe(used)
  expect(idle()).toBe(1)
  time = 10 * MINUTE
  expect(agents.of('used', connection)).toBe(used)
  await until(async () => (idle() === 0 ? true : undefined), 'the connection to be closed')
  expect(agents.of('removed', connection)).not.toBe(removed)
  agents.destroy()
})

test('connections are kept for the settings that they were made under, and for no other', async () => {
  const [one, other] = [await selfSign({ names: [] }), await selfSign({ names: [] })]
  const tls = { caCertificates: undefined, client: { certificate: one.cert, privateKey: one.key } }
  const before: StreamConnection = { ...connection, tls }
  const changes: StreamConnection[] = [
    { ...before, endpointUrl: 'https://partner.example/events' },
    { ...before, allowedNetworks: ['10.0.0.0/8'] },
    { ...before, allowedPorts: [8443] },
    { ...before, tls: { ...tls, caCertificates: other.cert } },
    { ...before, tls: { ...tls, client: undefined } },
    { ...before, tls: { ...tls, client: { ...tls.client, certificate: `${one.cert}\n` } } },
    { ...before, tls: { ...tls, client: { ...tls.client, privateKey: `${one.key}\n` } } },
  ]
  const agents = createAgents(network)
  for (const change of changes) {
    const known = agents.of('a', before)
    expect(agents.of('a', structuredClone(before))).toBe(known)
    expect(agents.of('a', change)).not.toBe(known)
  }
  agents.destroy()
})
