import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from 'example-local-postgres'

/** A Redis of the bench's own. */
export interface LocalRedis {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts `redis-server` as BullMQ's documentation asks for: an append-only file that is synced every second, and nothing
 * evicted. `undefined` where there is none. https://docs.bullmq.io/guide/going-to-production
 */
export async function startRedis(): Promise<LocalRedis | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-redis-'))
  const port = await freePort('127.0.0.1')
  const settings = { port, bind: '127.0.0.1', dir: folder, appendonly: 'yes', appendfsync: 'everysec', save: '' }
  const args = Object.entries({ ...settings, 'maxmemory-policy': 'noeviction' }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ])
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(server, 'exit').catch(() => undefined)
  const started = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    createInterface(server.stdout).on('line', (line) => line.includes('Ready to accept connections') && resolve(true))
  })
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  if (!started) {
    await remove()
    return undefined
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      server.kill('SIGTERM')
      await ended
      await remove()
    },
  }
}
