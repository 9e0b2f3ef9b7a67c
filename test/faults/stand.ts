import type { Pool } from 'pg'
import { openPool } from '../support/database.ts'
import { addStream } from '../worker/rows.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { openProducer, type Producer } from './producer.ts'
import { type FaultyLine, openProxy } from './proxy.ts'
import { type FaultsReceiver, openFaultsReceiver } from './receiver.ts'

/** All that a crash needs: a server, an IdP that commits, workers, and a partner that counts. */
export interface Stand {
  readonly cluster: Cluster
  /** The harness's own line to the database, as a superuser. */
  readonly db: Pool
  /** For workers: through the proxy, if there is one. */
  readonly workerUrl: string
  /** Between the workers and the server, if it was asked for. */
  readonly proxy: FaultyLine | undefined
  readonly fleet: Fleet
  readonly receiver: FaultsReceiver
  readonly producer: Producer
  close(): Promise<void>
}

/** Whose partner refuses, so that its deliveries end as dead letters. */
export const REFUSED_USER = 'refused-user'
export const REFUSING_STREAM = 'refusing'
const STREAMS = ['a', 'b', 'c', 'd', REFUSING_STREAM]
const USERS = ['ann', 'bob', 'cay', 'dee', REFUSED_USER]

/** Sets all of it up, but starts no worker yet. */
export async function openStand({ proxied }: { readonly proxied: boolean }): Promise<Stand> {
  const closing: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const part of closing.reverse()) await part()
  }
  try {
    const cluster = await openCluster()
    closing.push(cluster.close)
    const db = openPool(cluster.url)
    closing.push(() => db.end())
    const receiver = await openFaultsReceiver()
    closing.push(receiver.close)
    for (const id of STREAMS) await addStream(db, streamRow(id, receiver.url))
    const producer = await openProducer(cluster.url, USERS, STREAMS)
    closing.push(() => producer.close())
    const proxy = proxied ? await openProxy(Number(new URL(cluster.url).port)) : undefined
    if (proxy) closing.push(proxy.close)
    const workerUrl = through(proxy, cluster.workerUrl)
    const fleet = createFleet(workerUrl, db)
    closing.push(() => fleet.end('SIGKILL'))
    return { cluster, db, workerUrl, proxy, fleet, receiver, producer, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** With the longest timeout there is: an answer may come after the worker was declared dead. */
function streamRow(id: string, receiverUrl: string) {
  return {
    id,
    endpoint_url: `${receiverUrl}/${id}`,
    timeout_ms: 60_000,
    retry_delays_ms: Array<number>(20).fill(1000),
  }
}

function through(proxy: FaultyLine | undefined, databaseUrl: string): string {
  const url = new URL(databaseUrl)
  if (proxy) url.port = String(proxy.port)
  return url.href
}
