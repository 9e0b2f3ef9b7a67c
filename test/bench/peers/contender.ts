import type { ClientBase } from 'pg'
import type { Child } from '../child.ts'

/** A SET to be posted, and where to. */
export interface Push {
  readonly streamId: string
  readonly url: string
  readonly body: string
}

/** A way to get SETs to their receivers: ours, or what somebody would build instead. Each sends in processes of its own. */
export interface Contender {
  readonly name: string
  /** Whether it can record only what has been committed: in between, a crash loses it. */
  readonly afterCommit: boolean
  /** How many at once a process sends; by default as many as all others. */
  readonly concurrency?: number
  /** The part of the deliveries that it is given: less where all would take minutes. */
  readonly share: number
  empty(): Promise<void>
  /** Adds many, as fast as it can. */
  fill(pushes: readonly Push[]): Promise<void>
  /** Adds one, in the transaction of `client`, or after it. */
  record(client: ClientBase, push: Push): Promise<void>
  /** Starts one process that sends. */
  start(concurrency: number): Child
  close(): Promise<void>
}

/** What a sending process is told. */
export interface SenderOrder {
  /** Of PostgreSQL, or of Redis. */
  readonly url: string
  readonly concurrency: number
  readonly flavour?: string
}
