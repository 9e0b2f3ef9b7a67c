import type { ServerResponse } from 'node:http'

/** What a receiver makes of a request; `delay-2800` accepts it after so many milliseconds. */
export type Behaviour = 'accept' | 'hang' | 'drip' | '429' | '500' | `delay-${number}`

const RETRY_AFTER_SECONDS = 1
/** The head takes two seconds, the body is never complete: most deadlines pass in the middle of it. */
const DRIP_EVERY_MS = 50
const DRIPPED_HEAD = 'HTTP/1.1 202 OK\r\nContent-Length: 999\r\n\r\n'

/** Answers as the first part of the path says; to any other path, accepts at once. */
export function answer(response: ServerResponse, path: string): void {
  const behaviour = path.split('/')[1] ?? ''
  if (behaviour === 'hang') return
  if (behaviour === 'drip') drip(response)
  else if (behaviour === '429') response.writeHead(429, { 'retry-after': String(RETRY_AFTER_SECONDS) }).end()
  else if (behaviour === '500') response.writeHead(500).end()
  else if (behaviour.startsWith('delay-')) setTimeout(accept, Number(behaviour.slice('delay-'.length)), response)
  else accept(response)
}

function accept(response: ServerResponse): void {
  response.writeHead(202).end()
}

/** Past Node's own writing, which would send the head in one piece. */
function drip({ socket }: ServerResponse): void {
  let sent = 0
  const timer = setInterval(() => socket?.write(DRIPPED_HEAD[sent++] ?? 'x'), DRIP_EVERY_MS)
  socket?.once('close', () => clearInterval(timer))
}
