import { InvalidEventError } from 'risc-set'
import { recordDeliveries } from './deliveries.ts'
import { StreamNotEnabledError } from './errors.ts'
import { lockStream, type NoticeSettings, resolveNotice, signNotice } from './stream-notice.ts'
import type { OutboxTransaction } from './transaction.ts'

/** Which stream is tested. */
export interface VerifyStreamOptions {
  readonly streamId: string
  /** What the receiver gave when it asked to be tested; to be left out when it did not ask (SSF 1.0 §8.1.4.1). */
  readonly state?: string
}

/** The SET that tests a stream. */
export interface Verification {
  readonly jti: string
}

/** Records a `verification` SET for an enabled stream, in two round trips. */
export async function verifyStream(
  trx: OutboxTransaction,
  { streamId, state }: VerifyStreamOptions,
  settings: NoticeSettings,
): Promise<Verification> {
  const event = resolveNotice(streamId, { type: 'verification', state })
  const stream = await lockStream(trx, streamId)
  if (stream.profile === 'login.gov') throw noSuchEvent(streamId)
  if (stream.status !== 'enabled') throw new StreamNotEnabledError(streamId)
  const notice = await signNotice(streamId, stream, event, settings)
  await recordDeliveries(trx, stream.transaction_name, [notice])
  return { jti: notice.jti }
}

function noSuchEvent(streamId: string): InvalidEventError {
  const message = 'login.gov has no event that verifies a stream'
  return new InvalidEventError([{ path: `stream ${streamId}: profile`, message, section: 'login.gov security events' }])
}
