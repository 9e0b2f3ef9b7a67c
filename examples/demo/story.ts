import type { Enqueued } from 'risc-outbox'
import type { Idp } from './idp/idp.ts'
import { changeEmail, deleteAccount, resetPassword, revokeConsent, suspendUser } from './idp/user-changes.ts'
import type { Partner } from './partners.ts'

/** Something that happens to a user, and what partners have to hear of it. */
export interface Scene {
  readonly title: string
  readonly act: (idp: Idp) => Promise<Enqueued>
  readonly rollsBack?: boolean
  readonly user: string
  readonly tells: readonly Partner['id'][]
  readonly events: readonly string[]
}

/** Happens one after the other, while benefits is busy and parks goes by another name than it was given. */
export const story: readonly Scene[] = [
  {
    title: 'Ada’s account was hijacked: it is suspended',
    act: (idp) => suspendUser(idp, 'ada'),
    user: 'ada',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['account-disabled'],
  },
  {
    title: 'Bob forgot his password and sets a new one',
    act: (idp) => resetPassword(idp, 'bob', 'digest of a new password'),
    user: 'bob',
    tells: ['taxes', 'benefits'],
    events: ['password-reset'],
  },
  {
    title: 'Chloe changes her e-mail address: two events, one cause',
    act: (idp) => changeEmail(idp, 'chloe', 'chloe@new.example'),
    user: 'chloe',
    tells: ['taxes', 'benefits'],
    events: ['identifier-changed', 'recovery-information-changed'],
  },
  {
    title: 'Dan is to be suspended, but is the last administrator',
    act: (idp) => suspendUser(idp, 'dan'),
    rollsBack: true,
    user: 'dan',
    tells: [],
    events: [],
  },
  {
    title: 'Eve deletes her account, and with it the UUIDs that partners know',
    act: (idp) => deleteAccount(idp, 'eve'),
    user: 'eve',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['account-purged'],
  },
  {
    title: 'Finn revokes his consent for taxes, and then changes his password',
    act: async (idp) => {
      await revokeConsent(idp, 'finn', 'urn:gov:taxes')
      return resetPassword(idp, 'finn', 'digest of another password')
    },
    user: 'finn',
    tells: ['benefits'],
    events: ['password-reset'],
  },
  {
    title: 'Gus is suspended: no partner with a stream knows him',
    act: (idp) => suspendUser(idp, 'gus'),
    user: 'gus',
    tells: [],
    events: [],
  },
]

/** Happens at one moment, while taxes hangs. */
export const whileTaxesHangs: readonly Scene[] = [
  {
    title: 'Hana’s account was hijacked: it is suspended',
    act: (idp) => suspendUser(idp, 'hana'),
    user: 'hana',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['account-disabled'],
  },
  {
    title: 'Ivan sets a new password',
    act: (idp) => resetPassword(idp, 'ivan', 'digest of Ivan’s'),
    user: 'ivan',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['password-reset'],
  },
  {
    title: 'Jo changes her e-mail address: the second SET waits for the first',
    act: (idp) => changeEmail(idp, 'jo', 'jo@new.example'),
    user: 'jo',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['identifier-changed', 'recovery-information-changed'],
  },
]

/** Happens one after the other, while taxes still hangs and one worker is all there is. */
export const afterTheKill: readonly Scene[] = [
  {
    title: 'Ada, who has her account back, sets a new password',
    act: (idp) => resetPassword(idp, 'ada', 'digest of Ada’s'),
    user: 'ada',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['password-reset'],
  },
  {
    title: 'Bob’s account was hijacked: it is suspended',
    act: (idp) => suspendUser(idp, 'bob'),
    user: 'bob',
    tells: ['taxes', 'benefits'],
    events: ['account-disabled'],
  },
  {
    title: 'Chloe sets a new password',
    act: (idp) => resetPassword(idp, 'chloe', 'digest of Chloe’s'),
    user: 'chloe',
    tells: ['taxes', 'benefits'],
    events: ['password-reset'],
  },
  {
    title: 'Dan sets a new password',
    act: (idp) => resetPassword(idp, 'dan', 'digest of Dan’s'),
    user: 'dan',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['password-reset'],
  },
  {
    title: 'Kim deletes her account',
    act: (idp) => deleteAccount(idp, 'kim'),
    user: 'kim',
    tells: ['taxes', 'benefits', 'parks'],
    events: ['account-purged'],
  },
]
