import { InvalidOptionsError } from 'risc-set'
import type { StreamStatus } from './database.ts'
import { toRecord } from './deliveries.ts'
import { lockStream, type NoticeSettings, resolveNotice, signNotice } from './stream-notice.ts'
import { ask, type OutboxTransaction } from './transaction.ts'

/** What is to become of a stream. */
export interface StreamStatusOptions {
  readonly streamId: string
  readonly status: StreamStatus
  /** Told to the receiver, and kept with the stream for as long as it is held back. */
  readonly reason?: string
  /** Who wants it, for the operators alone: up to 200 characters, kept with the stream until its next change. */
  readonly by?: string
}

/** What became of it. */
export interface StreamStatusChange {
  /** Whether the status was another. */
  readonly changed: boolean
  /** Of the SET that tells the receiver; absent when there is nothing to tell, or no event in the stream's profile to say it. */
  readonly jti?: string
}

const SET_STATUS = `select risc.set_stream_status($1, $2, $3, nullif($4, ''), nullif($5, ''), $6::text::jsonb)::text as changed`

/** Changes a stream's status and records the SET that says so, in two round trips at most. */
export async function setStreamStatus(
  trx: OutboxTransaction,
  { streamId, status, reason, by }: StreamStatusOptions,
  settings: NoticeSettings,
): Promise<StreamStatusChange> {
  const event = resolveNotice(streamId, { type: 'stream-updated', status, reason })
  checkName(by)
  const stream = await lockStream(trx, streamId)
  if (stream.status === status) return { changed: false }
  const notice = stream.profile === 'login.gov' ? undefined : await signNotice(streamId, stream, event, settings)
  const deliveries = JSON.stringify(notice === undefined ? [] : [toRecord(notice)])
  const change = [stream.transaction_name, streamId, status, reason ?? '', by ?? '', deliveries]
  const [row] = await ask(trx, SET_STATUS, change)
  if ((row as { readonly changed: string }).changed !== 'true') return { changed: false }
  return notice === undefined ? { changed: true } : { changed: true, jti: notice.jti }
}

function checkName(by: unknown): void {
  if (by === undefined) return
  if (typeof by === 'string' && [...by].length <= 200 && by.isWellFormed() && !by.includes('\0')) return
  const message = 'must be a string of up to 200 characters, with neither U+0000 nor a lone surrogate'
  throw new InvalidOptionsError([{ path: 'by', message, section: 'risc-outbox' }])
}
