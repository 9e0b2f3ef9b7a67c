import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import type { Readable } from 'node:stream'
import { RiscError } from 'risc-set'
import { afterAll, afterEach } from 'vitest'
import { allowedTo, expectSilence, overhear, overhearError } from './overheard.ts'
import { WORKER_BIN } from './worker-bin.ts'

// Loaded before every test file: whatever processes print, workers serve and our errors say is looked through when a test
// is over. What runs within the test's own process is noted where it is run: its log, and the output of a command.

const SERVED = /\/(?:livez|readyz|metrics)$/

/** Says nothing of its own: it stands between `RiscError` and `Error`, where every error passes as it is made. */
class Overheard extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options)
    overhearError(this)
  }
}
Object.setPrototypeOf(RiscError, Overheard)

const fetchAnything = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const response = await fetchAnything(input, init)
  if (SERVED.test(response.url)) overhear(response.url, await response.clone().text())
  return response
}

subscribe('child_process', (message) => {
  const { process: child } = message as { readonly process: ChildProcess }
  process.nextTick(() => overhearProcess(child)) // it is started only then
})

afterEach(expectSilence)
afterAll(expectSilence)

function overhearProcess({ spawnargs, stdout, stderr }: ChildProcess): void {
  const [program, ...rest] = spawnargs
  const argv = rest.slice(rest.indexOf(WORKER_BIN) + 1)
  const name = `${program} ${rest.join(' ')}`.slice(0, 200)
  if (stdout) overhearStream(`${name}, stdout`, stdout, argv)
  if (stderr) overhearStream(`${name}, stderr`, stderr, argv)
}

/** A listener would make a stream flow before whoever it is for listens. */
function overhearStream(name: string, stream: Readable, argv: readonly string[]): void {
  const push = stream.push.bind(stream)
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk !== null) overhear(name, String(chunk), allowedTo(argv))
    return push(chunk, encoding)
  }
}
