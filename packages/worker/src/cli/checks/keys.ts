import { InvalidKeysError, type SigningKeys } from 'risc-set'
import type { Environment } from '../../config.ts'
import { MisuseError } from '../command-error.ts'
import type { KeyUsage } from '../queries/keys.ts'
import { readSigning, type SigningOptions } from '../signing-options.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** The keys that were given, if they can be used, and what there is to say of that. */
export interface GivenKeys {
  readonly keys: SigningKeys | undefined
  readonly findings: readonly Finding[]
}

const CHECK = 'keys'

/** Loads the IdP's keys, if the command was given them. Whatever is wrong is told without a key. */
export async function checkGivenKeys(options: SigningOptions, env: Environment): Promise<GivenKeys> {
  try {
    const signing = await readSigning(options, env)
    return { keys: signing?.keys, findings: [] }
  } catch (error) {
    if (!(error instanceof MisuseError && error.cause instanceof InvalidKeysError)) throw error
    const { problems } = error.cause
    const findings = problems.map(({ path, message }) =>
      problem(CHECK, `the set cannot be used: ${path} ${message}`, 'correct the key set'),
    )
    return { keys: undefined, findings }
  }
}

/** Judges the keys that SETs need, and if there is one, the key set that is to sign and to be published. */
export function judgeKeys(used: readonly KeyUsage[], keys: SigningKeys | undefined): Finding[] {
  const again = used
    .filter(({ in_use_again }) => in_use_again)
    .map(({ kid }) =>
      problem(CHECK, `key ${kid} is retired and in use again`, 'publish it, and look who signs with it'),
    )
  const given = keys === undefined ? [] : judgeSet(used, keys)
  const findings = [...again, ...given]
  if (findings.length > 0) return findings
  return [
    ok(CHECK, keys === undefined ? 'none that is needed is retired' : `${keys.active.kid} signs, and none is missing`),
  ]
}

function judgeSet(used: readonly KeyUsage[], { active, published }: SigningKeys): Finding[] {
  const retired = used.find(
    ({ kid, retired_at, in_use_again }) => kid === active.kid && retired_at !== null && !in_use_again,
  )
  const missing = used.filter(
    ({ kid, unsettled, dead, accepted_recently }) =>
      unsettled + dead + accepted_recently > 0 && !published.some((key) => key.kid === kid),
  )
  return [
    ...(retired === undefined
      ? []
      : [
          problem(
            CHECK,
            `key ${active.kid} signs and is retired`,
            'sign with another; nobody may have this one any more',
          ),
        ]),
    ...missing.map(({ kid, unsettled, dead, accepted_recently }) => {
      const finding = `key ${kid} is not in the set, and ${unsettled} unsettled, ${dead} dead and ${accepted_recently} recently accepted SETs need it`
      const advice = 'keep it published until `risc-worker key retire` agrees'
      return unsettled > 0 ? problem(CHECK, finding, advice) : warning(CHECK, finding, advice)
    }),
  ]
}
