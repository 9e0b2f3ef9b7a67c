import type { Profile } from './profile.ts'
import { loginGov } from './profile-login-gov.ts'
import { ssf } from './profile-ssf.ts'

/** The dialects a SET can be written and read in: SSF 1.0, and login.gov's. */
export type ProfileName = 'ssf' | 'login.gov'

/** Every profile by its name. A further dialect is one more file and one more line here. */
export const profiles: Readonly<Record<ProfileName, Profile>> = { ssf, 'login.gov': loginGov }
