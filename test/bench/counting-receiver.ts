import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Report } from './counting-receiver-process.ts'

/** A receiver in a process of its own, as a partner's would be: accepts everything at once and keeps the time. */
export interface CountingReceiver {
  readonly url: string
  /** Resolves when `count` more requests have come: from when to when, and the bodies with their times if asked for. */
  receive(count: number, options?: { readonly keepBodies: boolean }): Promise<Report>
  close(): void
}

export async function openCountingReceiver(): Promise<CountingReceiver> {
  const process = fork(new URL('counting-receiver-process.ts', import.meta.url))
  const port = await nextMessage<number>(process)
  return {
    url: `http://127.0.0.1:${port}`,
    receive(count, { keepBodies } = { keepBodies: false }) {
      process.send({ count, keepBodies })
      return nextMessage<Report>(process)
    },
    close: () => process.disconnect(),
  }
}

async function nextMessage<Message>(process: ChildProcess): Promise<Message> {
  const [message] = await once(process, 'message')
  return message
}
