import type { OutboxEvent } from 'risc-outbox'
import type { EventName, SubjectFormat, SubjectIdentifier } from 'risc-set'
import { issuer } from '../../outbox/idp.ts'
import { examples } from '../../set/event-examples.ts'

/** A user of the IdP, whom each receiver knows by another name. */
export interface Person {
  readonly user: string
  readonly email: string
  readonly phone: string
  readonly subjects: { readonly [F in SubjectFormat]: Extract<SubjectIdentifier, { format: F }> }
}

/** @param word what all names have in common, and no other person's. */
export function createPerson({
  user,
  word,
  email,
  phone,
}: Record<'user' | 'word' | 'email' | 'phone', string>): Person {
  const iss_sub = { format: 'iss_sub', iss: issuer, sub: `${word}-sub` } as const
  const subjects: Person['subjects'] = {
    account: { format: 'account', uri: `acct:${word}@accounts.example` },
    email: { format: 'email', email },
    iss_sub,
    opaque: { format: 'opaque', id: `${word}-id` },
    phone_number: { format: 'phone_number', phone_number: phone },
    did: { format: 'did', url: `did:example:${word}` },
    uri: { format: 'uri', uri: `https://people.example/${word}` },
    jwt_id: { format: 'jwt_id', iss: issuer, jti: `${word}-jwt` },
    saml_assertion_id: { format: 'saml_assertion_id', issuer, assertion_id: `${word}-assertion` },
    'ip-addresses': { format: 'ip-addresses', 'ip-addresses': [`2001:db8::${phone.slice(-4)}`] },
    complex: {
      format: 'complex',
      user: { format: 'opaque', id: `${word}-user` },
      tenant: { format: 'opaque', id: 'acme' },
    },
    aliases: { format: 'aliases', identifiers: [{ format: 'opaque', id: `${word}-alias` }, iss_sub] },
  }
  return { user, email, phone, subjects }
}

/** One event of each type that is about a person. */
export function eventsAbout({ user, email, phone }: Person): OutboxEvent[] {
  const { verification: _, 'stream-updated': _updated, ...others } = examples
  return Object.values<(typeof examples)[Exclude<EventName, 'verification' | 'stream-updated'>]>(others).map(
    (event) => {
      switch (event.type) {
        case 'identifier-changed':
          return { ...event, user, subject: { format: 'phone_number', phone_number: phone }, 'new-value': email }
        case 'identifier-recycled':
          return { ...event, user, subject: { format: 'email', email } }
        default:
          return { ...event, user }
      }
    },
  )
}
