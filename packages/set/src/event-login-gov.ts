import type { EventRule, EventRules, NoClaims } from './event-rule.ts'

/** The claims of login.gov's own outgoing events, by type. */
export interface LoginGovClaims {
  /** The user failed the second factor until the account was locked for a while. */
  readonly 'mfa-limit-account-locked': NoClaims
  /** The user set a new password. */
  readonly 'password-reset': NoClaims
  /** The user proved their identity anew. */
  readonly 'reproof-completed': NoClaims
}

/** The rules of login.gov's own outgoing events. */
export const loginGovEvents: EventRules<LoginGovClaims> = {
  'mfa-limit-account-locked': plain('mfa-limit-account-locked'),
  'password-reset': plain('password-reset'),
  'reproof-completed': plain('reproof-completed'),
}

function plain(name: string): EventRule<NoClaims> {
  return {
    uri: `https://schemas.login.gov/secevent/risc/event-type/${name}`,
    section: 'login.gov security events',
    members: {},
  }
}
