import { findSecrets, type Secret } from './secrets.ts'

/** The values of a statement, or the one that could not be read: they end what the log says of its context. */
const VALUES = /(?: with parameters:| parameter \$\d+ =) .*$/s

/**
 * Names the kinds of secrets that a log of PostgreSQL gives away, each with the first of its entry, whose lines begin with
 * `[<application_name>] `. What an IdP's session asks, in these tests their own, is the IdP's affair: what it failed for is ours.
 */
export function findLoggedSecrets(log: string): string[] {
  return log.split(/\n(?=\[)/).flatMap((entry) => {
    const ours = entry.startsWith('[risc-worker')
    if (!ours && entry.includes('] STATEMENT:  ')) return []
    const found: Secret[] = findSecrets(ours ? entry : entry.replace(VALUES, ''))
    return found.map((secret) => `${secret} in ${entry.slice(0, 60)}…`)
  })
}
