import { Agent } from 'node:http'
import got from 'got'

// The limit of the HTTP client: the worker's POSTs from a loop that does nothing else.
const { urls, requests, concurrency, body } = JSON.parse(process.argv[2] ?? '{}')
const endpoints: { url: string; agent: { http: Agent } }[] = urls.map((url: string) => ({
  url,
  agent: { http: new Agent({ keepAlive: true }) },
}))
const client = got.extend({
  method: 'POST',
  body,
  followRedirect: false,
  retry: { limit: 0 },
  decompress: false,
  throwHttpErrors: false,
  timeout: { request: 3000 },
  headers: { accept: 'application/json', 'content-type': 'application/secevent+jwt' },
})

let started = 0
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    while (started < requests) {
      const endpoint = endpoints[started++ % endpoints.length]
      if (endpoint !== undefined) await client(endpoint.url, { agent: endpoint.agent })
    }
  }),
)
for (const { agent } of endpoints) agent.http.destroy()
