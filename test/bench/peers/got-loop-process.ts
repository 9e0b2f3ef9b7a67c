import { postSet } from './post-set.ts'

// The limit of the HTTP client: the same POSTs from a loop that does nothing else and keeps no account.
const { urls, requests, concurrency, body } = JSON.parse(process.argv[2] ?? '{}')

let started = 0
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    while (started < requests) await postSet(urls[started++ % urls.length], body)
  }),
)
process.exit()
