import type { Kysely } from 'kysely'
import type { OutboxDatabase } from 'risc-outbox'
import { isKeyOfCertificate } from '../../client-key.ts'
import { type CredentialMeans, openCredential } from '../../credential-reader.ts'
import type { CredentialCause } from '../../sealed-credential.ts'
import { readStoredCredentials, type StoredCredential } from '../queries/credentials.ts'
import { type Finding, ok, problem } from './finding.ts'

const CHECK = 'credentials'

/** Checks that the credentials of enabled streams can be opened with what this environment has. */
export async function checkCredentials(db: Kysely<OutboxDatabase>, credentials: CredentialMeans): Promise<Finding[]> {
  const findings: Finding[] = []
  let count = 0
  for await (const credential of readStoredCredentials(db, { enabledOnly: true })) {
    count++
    const cause = await judge(credential, credentials)
    if (cause === undefined) continue
    const { streamId, use } = credential.binding
    const [finding, advice] = CAUSES[cause]
    findings.push(problem(`stream ${streamId}`, `its ${NAMES[use]} ${finding}`, advice))
  }
  return findings.length > 0 ? findings : [ok(CHECK, count === 0 ? 'no enabled stream has one' : 'can be opened')]
}

async function judge(
  { binding, stored, certificate }: StoredCredential,
  credentials: CredentialMeans,
): Promise<CredentialCause | undefined> {
  const opened = await openCredential(stored, binding, credentials)
  if (opened.kind === 'unavailable') return opened.cause
  const isUsable = certificate === null || isKeyOfCertificate({ certificate, privateKey: opened.value })
  return isUsable ? undefined : 'not_usable'
}

const NAMES = { credential: 'credential', client_private_key: 'client key' } as const

const CAUSES: Readonly<Record<CredentialCause, readonly [finding: string, advice: string]>> = {
  no_such_key: ['is sealed by a key that is not here', 'give this environment all keys of the workers'],
  not_authentic: ['is not what was sealed', 'give it anew: risc-worker stream set'],
  bound_elsewhere: [
    'was given for another stream or origin',
    'give it anew, or say --keep-authorization: risc-worker stream set',
  ],
  not_configured: ['is a file, and no directory is configured', 'set RISC_CREDENTIALS_DIRECTORY'],
  not_found: ['is not where it refers to', 'put the file or variable there'],
  not_readable: ['is in a file that may not be read, or is elsewhere', 'look at the rights of the file'],
  not_usable: ['is empty, too long, or nothing that can be used as one', 'correct the file or variable'],
}
