import { filled } from './check.ts'
import { oneOf } from './choice.ts'
import { type CredentialType, credentialType, seconds, type TextByLanguage, textByLanguage } from './event-claims.ts'
import type { EventRule, EventRules, NoClaims } from './event-rule.ts'
import { optional, required } from './members.ts'
import type { EmailSubject, PhoneNumberSubject } from './subject.ts'

/** The claims of each event of RISC 1.0 §2, by its type. */
export interface RiscClaims {
  /** The user must change a credential, for instance because it was found in a leak (§2.1). */
  readonly 'account-credential-change-required': NoClaims
  /** The account is gone for good (§2.2). */
  readonly 'account-purged': NoClaims
  /** The account is disabled (§2.3). The section lists two "possible" reasons; login.gov sends the third. */
  readonly 'account-disabled': { readonly reason?: 'hijacking' | 'bulk-account' | 'account-suspension' }
  /** The account is enabled again (§2.4). */
  readonly 'account-enabled': NoClaims
  /** The e-mail address or telephone number that `subject` names, the old one, was changed (§2.5). */
  readonly 'identifier-changed': {
    readonly subject: EmailSubject | PhoneNumberSubject
    readonly 'new-value'?: string
  }
  /** The e-mail address or telephone number that `subject` names belongs to someone else now (§2.6). */
  readonly 'identifier-recycled': { readonly subject: EmailSubject | PhoneNumberSubject }
  /** A credential was found compromised (§2.7). Times are seconds since 1970. */
  readonly 'credential-compromise': {
    readonly credential_type: CredentialType
    readonly event_timestamp?: number
    readonly reason_admin?: TextByLanguage
    readonly reason_user?: TextByLanguage
  }
  /** The user takes part in the exchange of events (§2.8.1). */
  readonly 'opt-in': NoClaims
  /** The user asked to leave the exchange; events still flow (§2.8.2). */
  readonly 'opt-out-initiated': NoClaims
  /** The user withdrew the wish to leave (§2.8.3). */
  readonly 'opt-out-cancelled': NoClaims
  /** The user has left the exchange: no event about them follows (§2.8.4). */
  readonly 'opt-out-effective': NoClaims
  /** The user began to recover the account (§2.9). */
  readonly 'recovery-activated': NoClaims
  /** The user changed how the account can be recovered (§2.10). */
  readonly 'recovery-information-changed': NoClaims
  /** @deprecated RISC 1.0 §2.11: send CAEP's `session-revoked`. */
  readonly 'sessions-revoked': NoClaims
}

const base = 'https://schemas.openid.net/secevent/risc/event-type/'

/** What RISC 1.0 §2 demands of its events. */
export const riscEvents: EventRules<RiscClaims> = {
  'account-credential-change-required': plain('account-credential-change-required', '2.1'),
  'account-purged': plain('account-purged', '2.2'),
  'account-disabled': {
    uri: `${base}account-disabled`,
    section: 'RISC 1.0 §2.3',
    members: { reason: optional(oneOf('hijacking', 'bulk-account', 'account-suspension')) },
  },
  'account-enabled': plain('account-enabled', '2.4'),
  'identifier-changed': {
    uri: `${base}identifier-changed`,
    section: 'RISC 1.0 §2.5',
    members: { 'new-value': optional(filled) },
    subject: { formats: ['email', 'phone_number'], required: true },
  },
  'identifier-recycled': {
    uri: `${base}identifier-recycled`,
    section: 'RISC 1.0 §2.6',
    members: {},
    subject: { formats: ['email', 'phone_number'], required: true },
  },
  'credential-compromise': {
    uri: `${base}credential-compromise`,
    section: 'RISC 1.0 §2.7',
    members: {
      credential_type: required(credentialType),
      event_timestamp: optional(seconds),
      reason_admin: optional(textByLanguage),
      reason_user: optional(textByLanguage),
    },
  },
  'opt-in': plain('opt-in', '2.8.1'),
  'opt-out-initiated': plain('opt-out-initiated', '2.8.2'),
  'opt-out-cancelled': plain('opt-out-cancelled', '2.8.3'),
  'opt-out-effective': plain('opt-out-effective', '2.8.4'),
  'recovery-activated': plain('recovery-activated', '2.9'),
  'recovery-information-changed': plain('recovery-information-changed', '2.10'),
  'sessions-revoked': plain('sessions-revoked', '2.11'),
}

function plain(name: string, section: string): EventRule<NoClaims> {
  return { uri: base + name, section: `RISC 1.0 §${section}`, members: {} }
}
