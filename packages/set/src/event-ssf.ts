import { filled, text } from './check.ts'
import { oneOf } from './choice.ts'
import type { EventRules } from './event-rule.ts'
import { optional, required } from './members.ts'
import type { OpaqueSubject } from './subject.ts'

/** The claims of SSF's own events, by type. Their subject is the stream: opaque, its `id` the `stream_id`. */
export interface SsfClaims {
  /** Proves that the stream works (SSF 1.0 §8.1.4.1). `state` echoes the request's and is absent when there was none. */
  readonly verification: { readonly subject?: OpaqueSubject; readonly state?: string }
  /** The transmitter changed the stream's status (SSF 1.0 §8.1.5). */
  readonly 'stream-updated': {
    readonly subject?: OpaqueSubject
    readonly status: 'enabled' | 'paused' | 'disabled'
    readonly reason?: string
  }
}

const base = 'https://schemas.openid.net/secevent/ssf/event-type/'

/** What SSF 1.0 §8.1 demands of its events. */
export const ssfEvents: EventRules<SsfClaims> = {
  verification: {
    uri: `${base}verification`,
    section: 'SSF 1.0 §8.1.4.1',
    members: { state: optional(text()) },
    subject: { formats: ['opaque'], required: false },
  },
  'stream-updated': {
    uri: `${base}stream-updated`,
    section: 'SSF 1.0 §8.1.5',
    members: { status: required(oneOf('enabled', 'paused', 'disabled')), reason: optional(filled) },
    subject: { formats: ['opaque'], required: false },
  },
}
