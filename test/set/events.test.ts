import { type EventName, eventUris, resolveEvent, type SecurityEvent } from 'risc-set'
import { describe, expect, test } from 'vitest'
import { email, examples } from './event-examples.ts'
import { problemsOf } from './fixture.ts'

describe('every event has its standard URI', () => {
  const bases: Readonly<Record<string, readonly EventName[]>> = {
    'https://schemas.openid.net/secevent/risc/event-type/': Object.keys(examples).slice(0, 14) as EventName[],
    'https://schemas.openid.net/secevent/caep/event-type/': Object.keys(examples).slice(14, 22) as EventName[],
    'https://schemas.openid.net/secevent/ssf/event-type/': ['verification', 'stream-updated'],
    'https://schemas.login.gov/secevent/risc/event-type/': [
      'mfa-limit-account-locked',
      'password-reset',
      'reproof-completed',
    ],
  }
  const expected = Object.entries(bases).flatMap(([base, names]) => names.map((name) => [name, base + name] as const))

  test('27 in all', () => {
    expect(eventUris).toEqual(Object.fromEntries(expected))
    expect(expected).toHaveLength(27)
  })
})

test.for(Object.values(examples))('$type is sent with every claim its section describes', (event) => {
  const { type, subject, ...claims }: SecurityEvent = event
  expect(resolveEvent(event)).toEqual({ uri: eventUris[event.type], claims, ...(subject && { subject }) })
})

test.for([
  ['credential-compromise', 'credential_type', 'RISC 1.0 §2.7'],
  ['identifier-changed', 'subject', 'RISC 1.0 §2.5'],
  ['identifier-recycled', 'subject', 'RISC 1.0 §2.6'],
  ['token-claims-change', 'claims', 'CAEP 1.0 §3.2'],
  ['credential-change', 'credential_type', 'CAEP 1.0 §3.3'],
  ['credential-change', 'change_type', 'CAEP 1.0 §3.3'],
  ['assurance-level-change', 'namespace', 'CAEP 1.0 §3.4'],
  ['assurance-level-change', 'current_level', 'CAEP 1.0 §3.4'],
  ['device-compliance-change', 'previous_status', 'CAEP 1.0 §3.5'],
  ['device-compliance-change', 'current_status', 'CAEP 1.0 §3.5'],
  ['risk-level-change', 'principal', 'CAEP 1.0 §3.8'],
  ['risk-level-change', 'current_level', 'CAEP 1.0 §3.8'],
  ['stream-updated', 'status', 'SSF 1.0 §8.1.5'],
] as const)('%s without %s is refused', ([type, claim, section]) => {
  const event = Object.fromEntries(Object.entries(examples[type]).filter(([name]) => name !== claim))
  expect(problemsOf(() => resolveEvent(event))).toEqual([{ path: claim, message: 'is required', section }])
})

test.for(Object.values(examples))('$type refuses a claim its section does not describe', (event) => {
  const problems = problemsOf(() => resolveEvent({ ...event, surprise: true }))
  expect(problems).toMatchObject([{ path: 'surprise', message: 'is not described here' }])
})

test.for(Object.entries(examples).filter(([name]) => !['identifier-changed', 'identifier-recycled'].includes(name)))(
  '%s carries a subject of its own where it is given one',
  ([name, event]) => {
    const own = name === 'verification' || name === 'stream-updated' ? { format: 'opaque', id: 's' } : email
    expect(resolveEvent({ ...event, subject: own }).subject).toEqual(own)
  },
)

test('a value that was agreed on passes where the section allows others than it lists', () => {
  const event = { type: 'credential-compromise', credential_type: 'smart-card' }
  expect(resolveEvent(event).claims).toEqual({ credential_type: 'smart-card' })
})

test('one error lists every problem of an event', () => {
  const problems = problemsOf(() =>
    resolveEvent({
      type: 'device-compliance-change',
      current_status: 'broken',
      event_timestamp: 'now',
      reason_admin: { e: 1 },
      subject: { format: 'email', email: 'nobody', name: 'x' },
      surprise: 1,
    }),
  )
  expect(problems.map(({ path }) => path).sort()).toEqual([
    'current_status',
    'event_timestamp',
    'previous_status',
    'reason_admin.e',
    'reason_admin.e',
    'subject.email',
    'subject.name',
    'surprise',
  ])
})

test.for([
  undefined,
  null,
  3,
  'account-purged',
  [],
  new Date(),
  {},
  { type: 3 },
  { type: '' },
  { type: '__proto__' },
  { type: 'toString' },
])('what is no event is refused: %j', (event) => {
  expect(problemsOf(() => resolveEvent(event))).toHaveLength(1)
})

test('a later change of the event given does not reach what was resolved', () => {
  const event = { type: 'urn:example:event', claims: { list: [1] }, subject: { ...email } }
  const resolved = resolveEvent(event)
  event.claims.list.push(2)
  Object.assign(event.subject, { email: 'other@example.com' })
  expect(resolved).toEqual({ uri: 'urn:example:event', claims: { list: [1] }, subject: email })
})

test('an error says paths and rules, never a value', () => {
  const secrets = ['secret-value', 'alice@example.com', '+12065550100', 'https://secret.example/']
  const problems = problemsOf(() =>
    resolveEvent({
      type: 'token-claims-change',
      subject: {
        format: 'aliases',
        identifiers: [{ format: 'email', email: 'alice@example.com\u0000' }, { 'alice@example.com': 1 }],
      },
      claims: { 'alice@example.com': 1n, '+12065550100': [() => 'secret-value'] },
      reason_admin: { 'https://secret.example/': 'secret-value\ud800' },
      initiating_entity: 'secret-value',
      'alice@example.com': 'secret-value',
    }),
  )
  expect(problems.length).toBeGreaterThanOrEqual(7)
  for (const secret of secrets) expect(JSON.stringify(problems)).not.toContain(secret)
})
