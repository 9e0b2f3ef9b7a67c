import fc from 'fast-check'
import { expect } from 'vitest'
import { MisuseError } from '../../packages/worker/src/cli/command-error.ts'
import { readSubjectArgument } from '../../packages/worker/src/cli/subject-argument.ts'
import { readConfig, SETTING_NAMES } from '../../packages/worker/src/config.ts'
import { InvalidConfigError } from '../../packages/worker/src/errors.ts'
import { privateJwks } from '../outbox/idp.ts'
import { expectSilence } from '../support/overheard.ts'
import { test } from '../support/test.ts'
import { runCommand } from '../worker/cli/command.ts'
import { LEAVES, type Leaf } from '../worker/cli/leaves.ts'
import { addDeliveries, addStream } from '../worker/rows.ts'
import { TEST_KEY_SET } from '../worker/test-keys.ts'
import { fuzz } from './fuzz.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 10 }),
  fc.integer().map(String),
  fc.double().map(String),
  fc.json({ maxDepth: 2 }),
  fc.webUrl(),
  fc.constantFrom(
    '',
    ' ',
    '-',
    '--',
    '0',
    '-1',
    '1e308',
    '99999999999999999999',
    '1s',
    '9999999d',
    'none',
    'a',
    'bank',
    'bank,bank',
    'a\0b',
    '\ud800',
    "'; drop table risc.streams; --",
    '$1',
    '%s%n',
    '\u001b[2J',
    '../../../etc/passwd',
    '/dev/null',
    '2026-13-40',
    '{"format":"opaque"}',
    '__proto__',
    'CREDENTIAL',
    'KEYS',
    'x'.repeat(10_000),
  ),
)

/** A command line of that command: some of its options, mostly with values, and about as many arguments as it takes. */
function lineOf({ words, command }: Leaf): fc.Arbitrary<string[]> {
  const person = words[0] === 'erase' ? [fc.constant('jane.doe@mail.example')] : []
  const drawFor = (option?: string) => (option === '--stream' ? hostile : fc.oneof(hostile, ...person))
  const options = command.options.flatMap(({ long, required }) =>
    long === undefined ? [] : [required ? drawFor(long).map((given) => [long, given]) : fc.constant([long])],
  )
  const mandatory = command.options.flatMap(({ long, mandatory: must }, n) => (must && long ? [options[n]] : []))
  const some = options.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...options), { maxLength: 5 })
  const enough = fc.tuple(...mandatory.flatMap((one) => (one === undefined ? [] : [one])))
  const rest = fc.array(drawFor(), { maxLength: command.registeredArguments.length + 1 })
  return fc.tuple(some, enough, rest, fc.boolean()).map(([given, musts, values, ends]) => {
    const flags = [...musts, ...given].flat()
    return [...words, ...flags, ...(ends ? ['--'] : []), ...values]
  })
}

const line = fc.oneof(
  { arbitrary: fc.oneof(...LEAVES.map(lineOf)), weight: 20 },
  { arbitrary: fc.array(hostile, { maxLength: 4 }), weight: 1 },
)

const STACK = /^ +at .*[:)]\d*\)?$/m
const BUG = /\b(TypeError|RangeError|ReferenceError|undefined|NaN|is not a function|\[object )/

test('any command line ends with 0, 1 or 64, and says why', async ({ database: { url, pool } }) => {
  await addStream(pool, { id: 'bank', credential: 'Bearer hunter2' })
  await addDeliveries(pool, 'bank', 3)
  const env = {
    DATABASE_URL: url,
    CREDENTIAL: 'Bearer hunter2',
    KEYS: JSON.stringify(privateJwks),
    RISC_DNS_SERVERS: '127.0.0.1:1',
    RISC_CREDENTIAL_KEYS: TEST_KEY_SET,
  }
  await fuzz(
    fc.asyncProperty(line, fc.string({ unit: 'binary' }), async (argv, stdin) => {
      const ends: NodeJS.Timeout[] = []
      const { code, stdout, stderr } = await runCommand(argv, env, {
        readStdin: async () => stdin,
        // Those that would go on for ever are asked to end, once.
        onSignal: (listener) => void ends.push(setTimeout(() => listener('SIGTERM'), 100)),
      })
      for (const end of ends) clearTimeout(end)
      expect([0, 1, 64], stderr).toContain(code)
      if (code !== 0) expect(stderr).not.toBe('')
      expect(stdout + stderr).not.toMatch(STACK)
      expect(stderr).not.toMatch(BUG)
      expectSilence()
    }),
  )
})

test('any subject that is given is read, or refused without being repeated', async () => {
  const text = fc.oneof(
    hostile,
    fc.json(),
    fc.anything().map((subject) => String(subject === null ? '' : typeof subject)),
  )
  await fuzz(
    fc.asyncProperty(text, async (given) => {
      try {
        readSubjectArgument(given)
      } catch (error) {
        expect(error).toBeInstanceOf(MisuseError)
        if (given.length > 20) expect(String(error)).not.toContain(given)
      }
      expectSilence()
    }),
  )
})

test('any environment is a configuration, or one with problems that have names', async () => {
  const setting = fc.oneof(
    { arbitrary: fc.constantFrom(...SETTING_NAMES), weight: 9 },
    { arbitrary: fc.string({ maxLength: 10 }).map((name) => `RISC_${name}`), weight: 1 },
  )
  const url = fc.oneof(
    fc.constant('postgres://risc:hunter2@127.0.0.1:1/idp'),
    hostile.map((part) => `postgres://${part}`),
  )
  await fuzz(
    fc.asyncProperty(fc.dictionary(setting, hostile), url, async (env, DATABASE_URL) => {
      try {
        readConfig({ DATABASE_URL, ...env }, { name: 'fuzzed' })
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidConfigError)
        expect((error as InvalidConfigError).problems).not.toEqual([])
      }
      expectSilence()
    }),
  )
})
