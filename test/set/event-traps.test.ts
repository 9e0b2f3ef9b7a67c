import { eventUris, resolveEvent } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { email, examples } from './event-examples.ts'
import { problemsOf } from './fixture.ts'

describe('a wrong value is refused, and the rule named', () => {
  test.for<[string, object, string, string]>([
    [
      'a reason that nobody lists',
      { type: 'account-disabled', reason: 'spam' },
      'reason',
      'must be one of "hijacking"',
    ],
    ['null for an absent claim', { type: 'verification', state: null }, 'state', 'must be a string'],
    [
      'an identifier that is neither e-mail nor phone',
      { type: 'identifier-changed', subject: { format: 'opaque', id: 'x' } },
      'subject.format',
      'must be email or phone_number',
    ],
    ['a stream event about a user', { type: 'verification', subject: email }, 'subject.format', 'must be opaque'],
    [
      'a text for an object of texts',
      { type: 'session-revoked', reason_admin: 'policy' },
      'reason_admin',
      'must be an object of texts by language tag',
    ],
    ['an object of no text', { type: 'session-revoked', reason_user: {} }, 'reason_user', 'at least one language'],
    [
      'a language tag with an underscore',
      { type: 'session-revoked', reason_user: { en_US: 'x' } },
      'reason_user.en_US',
      'BCP 47',
    ],
    [
      'a reason that is no text',
      { type: 'session-revoked', reason_user: { en: 1 } },
      'reason_user.en',
      'must be a string',
    ],
    [
      'milliseconds',
      { type: 'session-revoked', event_timestamp: Date.now() },
      'event_timestamp',
      'must be seconds, not milliseconds',
    ],
    [
      'a date',
      { type: 'session-revoked', event_timestamp: new Date() },
      'event_timestamp',
      'must be a JSON number of seconds',
    ],
    [
      'a number in a string',
      { type: 'session-revoked', event_timestamp: '1615304991' },
      'event_timestamp',
      'must be a JSON number',
    ],
    [
      'an unknown initiator',
      { type: 'session-revoked', initiating_entity: 'partner' },
      'initiating_entity',
      'must be one of "admin"',
    ],
    [
      'an initiator of a RISC event',
      { ...examples['credential-compromise'], initiating_entity: 'user' },
      'initiating_entity',
      'is not described here',
    ],
    ['no changed claim', { type: 'token-claims-change', claims: {} }, 'claims', 'at least one claim'],
    ['an empty level', { ...examples['assurance-level-change'], current_level: '' }, 'current_level', 'not empty'],
    [
      'a level in lower case',
      { ...examples['risk-level-change'], current_level: 'low' },
      'current_level',
      'it is spelt "LOW"',
    ],
    [
      'a principal in lower case',
      { ...examples['risk-level-change'], principal: 'user' },
      'principal',
      'it is spelt "USER"',
    ],
    ['an empty agreed value', { ...examples['risk-level-change'], principal: '' }, 'principal', 'must be one of'],
    ['amr that is no array', { type: 'session-established', amr: 'otp' }, 'amr', 'must be an array'],
    ['amr with a number', { type: 'session-established', amr: ['otp', 1] }, 'amr[1]', 'must be a string'],
    ['an unknown stream status', { type: 'stream-updated', status: 'deleted' }, 'status', 'must be one of "enabled"'],
  ])('%s', ([, event, path, message]) => {
    const problems = problemsOf(() => resolveEvent(event))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ path, message: expect.stringContaining(message) })
  })
})

describe('a wrong spelling is refused, and the right one named', () => {
  test.for<[string, object, string, string]>([
    ['new_value', { type: 'identifier-changed', subject: email, new_value: 'x' }, 'new_value', 'is spelt "new-value"'],
    ['newValue', { type: 'identifier-changed', subject: email, newValue: 'x' }, 'newValue', 'is spelt "new-value"'],
    [
      'not_compliant',
      { ...examples['device-compliance-change'], current_status: 'not_compliant' },
      'current_status',
      'it is spelt "not-compliant"',
    ],
    [
      'credential-type',
      { ...examples['credential-compromise'], 'credential-type': 'pin' },
      'credential-type',
      'is spelt "credential_type"',
    ],
    [
      'phone_sms',
      { type: 'credential-compromise', credential_type: 'phone_sms' },
      'credential_type',
      'it is spelt "phone-sms"',
    ],
    [
      'NIST_AAL',
      { ...examples['assurance-level-change'], namespace: 'NIST_AAL' },
      'namespace',
      'it is spelt "NIST-AAL"',
    ],
    ['bulk_account', { type: 'account-disabled', reason: 'bulk_account' }, 'reason', 'it is spelt "bulk-account"'],
    ['eventTimestamp', { type: 'session-revoked', eventTimestamp: 1 }, 'eventTimestamp', 'is spelt "event_timestamp"'],
    ['account_disabled', { type: 'account_disabled' }, 'type', 'is spelt "account-disabled"'],
    ['AccountDisabled', { type: 'AccountDisabled' }, 'type', 'is spelt "account-disabled"'],
    ['opt-out-canceled', { type: 'opt-out-canceled' }, 'type', 'is spelt "opt-out-cancelled"'],
    [
      'the URI of a catalogued event',
      { type: eventUris['account-purged'], claims: {} },
      'type',
      'is spelt "account-purged"',
    ],
    [
      'subject_type',
      { type: 'account-purged', subject: { subject_type: 'email', email: 'a@b.example' } },
      'subject.subject_type',
      'is spelt "format"',
    ],
    [
      'iss-sub',
      { type: 'account-purged', subject: { format: 'iss-sub', iss: 'i', sub: 's' } },
      'subject.format',
      'is spelt "iss_sub"',
    ],
    [
      'phone',
      { type: 'identifier-recycled', subject: { format: 'phone', phone_number: '+1' } },
      'subject.format',
      'is spelt "phone_number"',
    ],
    [
      'ip_addresses',
      { type: 'account-purged', subject: { format: 'ip_addresses' } },
      'subject.format',
      'is spelt "ip-addresses"',
    ],
  ])('%s', ([, event, path, message]) => {
    expect(problemsOf(() => resolveEvent(event))).toContainEqual(
      expect.objectContaining({ path, message: expect.stringContaining(message) }),
    )
  })
})

test('a common member of CAEP events names the section that sets its rule', () => {
  const problems = problemsOf(() => resolveEvent({ type: 'session-revoked', initiating_entity: 'partner' }))
  expect(problems).toMatchObject([{ path: 'initiating_entity', section: 'CAEP 1.0 §2' }])
})
