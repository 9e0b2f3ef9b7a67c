import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { SETTING_NAMES } from '../../../packages/worker/src/config.ts'
import { databaseUrl } from '../../support/template.ts'
import { test } from '../empty-database.ts'
import { finished, runCommand, spawnCommand } from './command.ts'

const NOWHERE = { DATABASE_URL: 'postgres://risc:hunter2@127.0.0.1:1/idp' }

test('--help goes to stdout and shows every command, every setting and examples', async () => {
  const { code, stdout, stderr } = await runCommand(['--help'], {})
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const word of [
    'run',
    'migrate',
    'status',
    'list',
    'show',
    'why',
    'retry',
    'erase',
    'stream',
    '64',
    ...SETTING_NAMES,
  ]) {
    expect(stdout).toContain(word)
  }
})

test('--version tells the version of the package', async () => {
  expect(await runCommand(['--version'], {})).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  })
})

test.each([
  [['statu'], "unknown command 'statu'\n(Did you mean status?)"],
  [['stream', 'lst'], "unknown command 'lst'\n(Did you mean list?)"],
  [['status', '--jsn'], "unknown option '--jsn'\n(Did you mean --json?)"],
  [['status', 'partner-a'], 'too many arguments'],
  [['list', '--limit', '0'], 'a whole number from 1'],
  [['list', '--state', 'lost'], 'Allowed choices are queued, dispatched, dead, accepted, discarded'],
  [['stream', 'add', 'partner-a'], "required option '--url <url>'"],
  [['migrate', '--print', '--json'], '--print writes SQL'],
])('%j is misuse: exits 64 and says what is wrong on stderr', async (argv, problem) => {
  const { code, stdout, stderr } = await runCommand(argv, NOWHERE)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(`risc-worker: `)
  expect(stderr).toContain(problem)
})

test('a configuration that cannot be used is misuse, as a process too', async () => {
  const result = await finished(spawnCommand(['run'], { DATABASE_URL: 'hunter2', RISC_CONCURENCY: '1' }))
  expect(result).toMatchObject({ code: 64, stdout: '' })
  expect(result.stderr).toMatch(/DATABASE_URL must be .+\n.+RISC_CONCURENCY is not a setting \(did you mean/)
  expect(result.stderr).not.toContain('hunter2')
})

test.each([
  'status',
  'list',
  'show 0f',
  'why 0f',
  'retry 0f',
  'erase --user u',
  'stream list',
  'stream show a',
  'stream set a --max-in-flight 7',
  'stream remove a',
  'stream add partner-a --url https://partner-a.example/',
  'migrate',
])('without a database, %s fails with one line that holds no password', async (command) => {
  expect(await runCommand(command.split(' '), NOWHERE)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'risc-worker: the database cannot be reached: check that PostgreSQL runs where DATABASE_URL says\n',
  })
})

test('a database that does not exist is told apart from one that cannot be reached', async ({ database }) => {
  const env = { DATABASE_URL: databaseUrl(database.url, 'there_is_no_such_database') }
  const { code, stderr } = await runCommand(['status'], env)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^risc-worker: the database that DATABASE_URL names does not exist: create it, .*\n$/)
})

test.for([
  'status',
  'list',
  'list --state dead',
  'show 0f',
  'why 0f',
  'retry 0f',
  'retry --all-dead',
  'erase --user u',
  'stream list',
  'stream show a',
  'run',
])('without the schema, %s fails with one line that names the command to run', async (command, { empty }) => {
  const env = { DATABASE_URL: empty.url, RISC_LOG_LEVEL: 'silent' }
  const { code, stdout, stderr } = await runCommand(command.split(' '), env)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^risc-worker: the database has no schema risc.* run `risc-worker migrate`\n$/)
})

test('a reader that has seen enough is no failure', async ({ database }) => {
  const child = spawnCommand(['status', '--json'], { DATABASE_URL: database.url })
  child.stdout.destroy()
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)])
  expect({ code, stderr: stderr.replace(/^no .+\n/gm, '') }).toEqual({ code: 0, stderr: '' })
})
