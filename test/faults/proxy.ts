import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a worker and its PostgreSQL, and can fail as networks do. */
export interface FaultyLine {
  readonly port: number
  /** Resets every connection. New ones are made as before. */
  cut(): void
  /** From now on no byte and no end gets through, on old connections or new ones; nobody is told. */
  freeze(): void
  /** Lets everything through again, beginning with what was held. */
  thaw(): void
  close(): Promise<void>
}

/** Opens a proxy to a port of 127.0.0.1. */
export async function openProxy(target: number): Promise<FaultyLine> {
  const sockets = new Set<Socket>()
  let frozen = false

  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }).pause()
    keep(near)
    keep(far)
    forward(near, far, () => frozen)
    forward(far, near, () => frozen)
    if (!frozen) for (const socket of [near, far]) socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    freeze() {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** By hand, since `pipe` takes up a paused socket again by itself. A socket that is not read tells no end either. */
function forward(from: Socket, to: Socket, isFrozen: () => boolean): void {
  from.on('data', (bytes) => {
    if (to.write(bytes)) return
    from.pause()
    to.once('drain', () => isFrozen() || from.resume())
  })
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroySoon())
}
