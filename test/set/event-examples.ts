import type { EventName, SecurityEvent } from 'risc-set'

/** An old e-mail address. */
export const email = { format: 'email', email: 'old@example.com' } as const
const phone = { format: 'phone_number', phone_number: '+12065550100' } as const
const common = {
  event_timestamp: 1_615_304_991,
  initiating_entity: 'policy',
  reason_admin: { en: 'Landspeed policy violation: C076E82F' },
  reason_user: { en: 'Access attempt from multiple regions', 'es-410': 'Intento de acceso desde varias regiones' },
} as const

/** One valid event of each type. The type makes the list complete: without an example it does not compile. */
export const examples: { readonly [T in EventName]: Extract<SecurityEvent, { readonly type: T }> } = {
  'account-credential-change-required': { type: 'account-credential-change-required' },
  'account-purged': { type: 'account-purged' },
  'account-disabled': { type: 'account-disabled', reason: 'hijacking' },
  'account-enabled': { type: 'account-enabled' },
  'identifier-changed': { type: 'identifier-changed', subject: email, 'new-value': 'new@example.com' },
  'identifier-recycled': { type: 'identifier-recycled', subject: phone },
  'credential-compromise': {
    type: 'credential-compromise',
    credential_type: 'password',
    event_timestamp: common.event_timestamp,
    reason_admin: common.reason_admin,
    reason_user: common.reason_user,
  },
  'opt-in': { type: 'opt-in' },
  'opt-out-initiated': { type: 'opt-out-initiated' },
  'opt-out-cancelled': { type: 'opt-out-cancelled' },
  'opt-out-effective': { type: 'opt-out-effective' },
  'recovery-activated': { type: 'recovery-activated' },
  'recovery-information-changed': { type: 'recovery-information-changed' },
  'sessions-revoked': { type: 'sessions-revoked' },
  'session-revoked': { type: 'session-revoked', ...common },
  'token-claims-change': {
    type: 'token-claims-change',
    ...common,
    claims: { role: 'ro-admin', nested: { a: [1, null] } },
  },
  'credential-change': {
    type: 'credential-change',
    ...common,
    credential_type: 'fido2-roaming',
    change_type: 'create',
    fido2_aaguid: 'accced6a-63f5-490a-9eea-e59bc1896cfc',
    friendly_name: "Jane's USB authenticator",
    x509_issuer: 'CN=ca',
    x509_serial: '01',
  },
  'assurance-level-change': {
    type: 'assurance-level-change',
    ...common,
    namespace: 'NIST-AAL',
    current_level: 'nist-aal2',
    previous_level: 'nist-aal1',
    change_direction: 'increase',
  },
  'device-compliance-change': {
    type: 'device-compliance-change',
    ...common,
    current_status: 'not-compliant',
    previous_status: 'compliant',
  },
  'session-established': {
    type: 'session-established',
    ...common,
    fp_ua: 'abb0b6e7',
    acr: 'AAL2',
    amr: ['otp'],
    ext_id: '12',
  },
  'session-presented': { type: 'session-presented', ...common, fp_ua: 'abb0b6e7', ext_id: '12' },
  'risk-level-change': {
    type: 'risk-level-change',
    ...common,
    principal: 'USER',
    current_level: 'LOW',
    previous_level: 'HIGH',
    risk_reason: 'PASSWORD_FOUND_IN_DATA_BREACH',
  },
  verification: { type: 'verification', subject: { format: 'opaque', id: 'stream-1' }, state: 'VGhpcyBpcyBhbiBleG' },
  'stream-updated': {
    type: 'stream-updated',
    subject: { format: 'opaque', id: 'stream-1' },
    status: 'paused',
    reason: 'Internal error',
  },
  'mfa-limit-account-locked': { type: 'mfa-limit-account-locked' },
  'password-reset': { type: 'password-reset' },
  'reproof-completed': { type: 'reproof-completed' },
}
