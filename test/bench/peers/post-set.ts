import { Agent } from 'node:http'
import got from 'got'

const TIMEOUT_MS = 3000

const client = got.extend({
  method: 'POST',
  followRedirect: false,
  retry: { limit: 0 },
  decompress: false,
  timeout: { request: TIMEOUT_MS },
  headers: { accept: 'application/json', 'content-type': 'application/secevent+jwt' },
})
const agents = new Map<string, Agent>()

/** The worker's POST, for everybody: one kept-alive agent per receiver, no redirects, three seconds at most. Throws unless accepted. */
export async function postSet(url: string, body: string): Promise<void> {
  const http = agents.get(url) ?? new Agent({ keepAlive: true })
  agents.set(url, http)
  await client(url, { body, agent: { http } })
}
