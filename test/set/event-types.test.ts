import { type AgreedValue, defineEventTypes, eventType, resolveEvent, type SecurityEvent } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { claimsOf, problemsOf } from './fixture.ts'

const own = defineEventTypes({
  'tier-changed': eventType<{ readonly tier: 'gold' | 'silver'; readonly since?: number }>(
    'https://idp.example/events/tier-changed',
    ({ tier }) => (tier === 'gold' || tier === 'silver' ? [] : [{ path: 'tier', message: 'must be gold or silver' }]),
  ),
  'nickname-changed': eventType('urn:example:nickname-changed'),
})

test('a missing claim, a wrong value or a wrong name does not compile', () => {
  const right: readonly SecurityEvent<typeof own>[] = [
    { type: 'account-disabled', reason: 'account-suspension' },
    { type: 'account-disabled' },
    { type: 'identifier-changed', subject: { format: 'phone_number', phone_number: '+12065550100' }, 'new-value': 'x' },
    { type: 'credential-compromise', credential_type: 'smart-card' as AgreedValue },
    {
      type: 'account-purged',
      subject: { format: 'complex', user: { format: 'opaque', id: 'u' }, robot: { format: 'opaque', id: 'r' } },
    },
    { type: 'urn:ietf:params:scim:event:prov:delete', claims: {} },
    { type: 'https://idp.example/other', claims: { any: ['JSON', { is: null }] } },
    { type: 'tier-changed', tier: 'gold' },
    { type: 'nickname-changed' },
  ]
  for (const event of right) expect(() => resolveEvent(event, own)).not.toThrow()

  const wrong: readonly SecurityEvent<typeof own>[] = [
    // @ts-expect-error a wrong value
    { type: 'account-disabled', reason: 'spam' },
    // @ts-expect-error a misspelt claim
    { type: 'account-disabled', raeson: 'hijacking' },
    // @ts-expect-error a claim of another event
    { type: 'account-purged', reason: 'hijacking' },
    // @ts-expect-error no required claim
    { type: 'credential-compromise' },
    // @ts-expect-error an underscore where the standard has a hyphen
    { type: 'device-compliance-change', previous_status: 'compliant', current_status: 'not_compliant' },
    // @ts-expect-error no subject
    { type: 'identifier-changed' },
    // @ts-expect-error a subject of a format that RISC 1.0 §2.6 does not allow
    { type: 'identifier-recycled', subject: { format: 'iss_sub', iss: 'https://idp.example/', sub: 's' } },
    // @ts-expect-error a hyphen where RFC 9493 has an underscore
    { type: 'account-purged', subject: { format: 'iss-sub', iss: 'https://idp.example/', sub: 's' } },
    // @ts-expect-error a text where CAEP 1.0 §2 has an object
    { type: 'session-revoked', reason_admin: 'policy' },
    // @ts-expect-error a type nobody declared
    { type: 'tier-lost' },
    // @ts-expect-error a URI without claims
    { type: 'urn:example:event' },
    // @ts-expect-error neither https: nor urn:
    { type: 'http://idp.example/other', claims: {} },
    // @ts-expect-error no JSON
    { type: 'urn:example:event', claims: { when: new Date(0) } },
    // @ts-expect-error a wrong value of an own type
    { type: 'tier-changed', tier: 'bronze' },
    // @ts-expect-error a missing claim of an own type
    { type: 'tier-changed', since: 1 },
  ]
  for (const event of wrong) expect(() => resolveEvent(event, own)).toThrow()

  // @ts-expect-error own types are known where they were declared only
  const unknown: SecurityEvent = { type: 'tier-changed', tier: 'gold' }
  expect(() => resolveEvent(unknown)).toThrow()
})

describe('an IdP declares its own event types once', () => {
  test('and sends them like the standard’s', () => {
    const subject = { format: 'opaque', id: 'u' } as const
    expect(resolveEvent({ type: 'tier-changed', tier: 'gold', since: undefined, subject }, own)).toEqual({
      uri: 'https://idp.example/events/tier-changed',
      claims: { tier: 'gold' },
      subject,
    })
  })

  test('and its own check refuses what breaks its rules', () => {
    expect(problemsOf(() => resolveEvent({ type: 'tier-changed', tier: 'bronze' }, own))).toEqual([
      { path: 'tier', message: 'must be gold or silver', section: 'own event type' },
    ])
  })

  test('a standard URI may be declared anew, for claims both sides agreed on; its rule of subjects stays', () => {
    const uri = 'https://schemas.openid.net/secevent/risc/event-type/identifier-recycled'
    const richer = defineEventTypes({ 'address-recycled': eventType<{ readonly since: number }>(uri) })
    const event = resolveEvent({ type: 'address-recycled', since: 7 }, richer)
    expect(event).toEqual({ uri, claims: { since: 7 } })
    expect(problemsOf(() => claimsOf({ event }))).toMatchObject([{ path: 'subject.format', section: 'RISC 1.0 §2.6' }])
  })

  test('a name that is taken and a URI that is none are refused, all at once', () => {
    const problems = problemsOf(() =>
      defineEventTypes({
        'account-purged': eventType('https://idp.example/a'),
        relative: eventType('/a'),
        insecure: eventType('http://idp.example/a'),
        hostless: eventType('https:///a'),
        'urn:x': eventType('urn:example:x'),
      }),
    )
    expect(problems.map(({ path }) => path)).toEqual([
      'account-purged',
      'relative.uri',
      'insecure.uri',
      'hostless.uri',
      '*',
    ])
  })
})

describe('an event of any absolute URI', () => {
  test.for(['https://idp.example/e', 'urn:ietf:params:scim:event:prov:patch:full', 'URN:example:a'])(
    '%s is sent with its claims',
    (type) => {
      expect(resolveEvent({ type, claims: { a: 1 } })).toEqual({ uri: type, claims: { a: 1 } })
    },
  )

  test.for([
    'http://idp.example/e',
    'ftp://idp.example/e',
    'urn:',
    'urn:example',
    'https://',
    'https://idp.example/a b',
    'mailto:a@b.example',
  ])('%s is refused', (type) => {
    expect(problemsOf(() => resolveEvent({ type, claims: {} }))).toMatchObject([{ path: 'type' }])
  })

  test('a subject among its claims is refused: it stands beside type (SSF 1.0 §3.1.2)', () => {
    const event = { type: 'urn:example:e', claims: { subject: { format: 'opaque', id: 'x' } } }
    expect(problemsOf(() => resolveEvent(event))).toMatchObject([{ path: 'claims.subject', section: 'SSF 1.0 §3.1.2' }])
  })

  test('claims beside type are refused', () => {
    expect(problemsOf(() => resolveEvent({ type: 'urn:example:e', claims: {}, a: 1 }))).toMatchObject([{ path: 'a' }])
  })
})
