import { type Environment, readConfig } from '../../config.ts'
import { InvalidConfigError } from '../../errors.ts'
import { type Finding, ok, problem } from './finding.ts'

const CHECK = 'configuration'

/** Checks what `run` would read from this environment. */
export function checkConfiguration(env: Environment): Finding[] {
  try {
    const { concurrency, allowLoopback } = readConfig(env, { name: 'check' })
    const loopback = allowLoopback ? '; receivers on loopback are allowed, for development only' : ''
    return [ok(CHECK, `can be used: ${concurrency} slots${loopback}`)]
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error
    return error.problems.map((found) => problem(CHECK, found, 'correct the environment; risc-worker --help lists it'))
  }
}
