import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Finds a port of `address` that nothing listens on.
 *
 * Below the ports that systems hand out by themselves: between this look and the server's start, such a one could become
 * the near end of somebody's connection.
 */
export async function freePort(address: string): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768)
    if (await isFree(port, address)) return port
  }
}

async function isFree(port: number, address: string): Promise<boolean> {
  const probe = createServer().listen(port, address)
  try {
    await once(probe, 'listening')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL') throw error // no port will do
    return false
  } finally {
    probe.close()
  }
}
