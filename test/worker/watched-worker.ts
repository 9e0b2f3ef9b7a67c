import { until } from '../support/until.ts'
import type { StartedWorker } from './started-worker.ts'

/** Listens on this host, on any free port. */
export const HTTP = { host: '127.0.0.1', port: 0 }

/** What a worker serves. */
export interface WatchedWorker {
  readonly url: string
  get(path: '/livez' | '/readyz'): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>
  /** Every sample of `/metrics`, by its name and labels as they are written. */
  scrape(): Promise<ReadonlyMap<string, number>>
}

/** Waits until a worker that was started with {@link HTTP} listens. */
export async function watch(worker: StartedWorker): Promise<WatchedWorker> {
  const { port } = await until(
    async () => worker.logged.find(({ msg }) => msg === 'serving health and metrics'),
    'the worker to listen',
  )
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    async get(path) {
      const response = await fetch(url + path)
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
    scrape: async () => readSamples(await (await fetch(`${url}/metrics`)).text()),
  }
}

/** Reads Prometheus' text format. */
export function readSamples(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}
