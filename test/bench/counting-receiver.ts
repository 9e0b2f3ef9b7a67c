import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Order, Report } from './counting-receiver-process.ts'

/** A receiver in a process of its own, as a partner's would be: accepts everything at once and keeps the time. */
export interface CountingReceiver {
  readonly url: string
  /** Resolves when `count` more requests have come: from when to when, and the bodies with their times if asked for. */
  receive(count: number, options?: { readonly keepBodies: boolean }): Promise<Report>
  /** Forgets what has come, and counts on. */
  collect(options?: { readonly keepBodies: boolean }): void
  /** What has come until now. */
  tell(): Promise<Report>
  /** From now on, each request is answered as the `Behaviour` says that its path begins with, or accepted again. */
  behave(asPathsSay: boolean): void
  close(): void
}

export async function openCountingReceiver(): Promise<CountingReceiver> {
  const process = fork(new URL('counting-receiver-process.ts', import.meta.url))
  const port = await nextMessage<number>(process)
  const order = (message: Order): void => void process.send(message)
  return {
    url: `http://127.0.0.1:${port}`,
    receive(count, { keepBodies } = { keepBodies: false }) {
      order({ kind: 'receive', count, keepBodies })
      return nextMessage<Report>(process)
    },
    collect: ({ keepBodies } = { keepBodies: false }) => order({ kind: 'collect', keepBodies }),
    tell() {
      order({ kind: 'tell' })
      return nextMessage<Report>(process)
    },
    behave: (asPathsSay) => order({ kind: 'behave', asPathsSay }),
    close: () => process.disconnect(),
  }
}

async function nextMessage<Message>(process: ChildProcess): Promise<Message> {
  const [message] = await once(process, 'message')
  return message
}
