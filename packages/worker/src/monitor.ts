import type { Logger } from 'pino'
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'
import type { WorkerConfig } from './config.ts'
import { errorCode } from './error-code.ts'
import { cacheFigures } from './figures.ts'
import { findObstacles, findStuckLoops, type Signs } from './health.ts'
import { type HttpServer, type Page, type Pages, serve } from './http-server.ts'
import type { Ledger } from './ledger.ts'
import { openPool } from './pool.ts'
import type { Progress } from './progress.ts'
import { feelPulse } from './pulse.ts'
import { addRowMetrics } from './row-metrics.ts'

/** Shows how a worker is: to probes, to Prometheus, or to the registry of the program it runs in. */
export interface Monitor {
  /** Rejects if the address cannot be had. */
  listen(): Promise<void>
  close(): Promise<void>
}

/** What a monitor looks at. */
export interface MonitorSettings {
  readonly config: WorkerConfig
  readonly registry: Registry
  readonly progress: Progress
  readonly ledger: Ledger
  readonly stopping: AbortSignal
  readonly log: Logger
}

/** Looks through two connections of its own: it waits for no delivery, and none waits for it. */
export function openMonitor({ config, registry, progress, ledger, stopping, log }: MonitorSettings): Monitor {
  const pool = openPool(config.databaseUrl, { max: 2, name: 'risc-worker monitor', durable: false })
  const closing = new AbortController()
  const pulse = feelPulse(pool, closing.signal)
  let server: HttpServer | undefined

  const look = (): Signs => ({
    loops: progress.read(),
    pulse,
    unfailingForMs: ledger.answeredForMs(),
    stopping: stopping.aborted,
  })

  addRowMetrics(registry, cacheFigures(pool, config.metricsStreams))
  addHealthMetrics(registry, look)

  return {
    async listen() {
      if (config.http === undefined) return
      server = await serve(pagesOf(registry, look), config.http, (error) => {
        log.error({ code: errorCode(error) }, 'health or metrics could not be served')
      })
      log.info({ host: config.http.host, port: server.port }, 'serving health and metrics')
    },
    async close() {
      closing.abort()
      await Promise.all([server?.close(), pool.close()])
    },
  }
}

/** Node's own figures, but for those whose names break Prometheus' rules. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`)
}

function pagesOf(registry: Registry, look: () => Signs): Pages {
  return new Map<string, () => Page | Promise<Page>>([
    ['/livez', () => verdict('stuck', findStuckLoops(look()))],
    ['/readyz', () => verdict('obstacles', findObstacles(look()))],
    ['/metrics', async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() })],
  ])
}

function verdict(name: string, findings: readonly unknown[]): Page {
  const ok = findings.length === 0
  return {
    status: ok ? 200 : 503,
    contentType: 'application/json',
    body: `${JSON.stringify({ ok, [name]: findings })}\n`,
  }
}

function addHealthMetrics(registry: Registry, look: () => Signs): void {
  const registers = [registry]
  new Gauge({
    name: 'risc_worker_live',
    help: '1 while /livez is green: no loop is stuck.',
    registers,
    collect() {
      this.set(Number(findStuckLoops(look()).length === 0))
    },
  })
  new Gauge({
    name: 'risc_worker_ready',
    help: '1 while /readyz is green: nothing keeps the worker from delivering.',
    registers,
    collect() {
      this.set(Number(findObstacles(look()).length === 0))
    },
  })
  new Gauge({
    name: 'risc_worker_progress_age_seconds',
    help: 'Since the loop last came round, by the clock of the worker alone.',
    labelNames: ['loop'],
    registers,
    collect() {
      for (const { loop, ageMs } of look().loops) this.set({ loop }, ageMs / 1000)
    },
  })
}
