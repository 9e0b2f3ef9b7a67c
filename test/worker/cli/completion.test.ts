import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../support/test.ts'
import { WORKER_BIN } from '../../support/worker-bin.ts'
import { addStream } from '../rows.ts'
import { finished, runCommand, spawnCommand } from './command.ts'

type Shell = 'bash' | 'zsh' | 'fish'

/** Calls what a shell calls when somebody presses Tab behind the last of `words`, and prints what it found. */
const DRIVERS: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) => `
    COMP_WORDS=(risc-worker ${words.map(quoted).join(' ')}) COMP_CWORD=${words.length}
    _risc_worker risc-worker && printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (words) => `
    words=(risc-worker ${words.map(quoted).join(' ')}) CURRENT=${words.length + 1} PREFIX=$words[-1]
    compadd() { print -rl -- \${(M)found:#$PREFIX*} }
    _describe() { print -rl -- \${(M)\${found%%:*}:#$PREFIX*} }
    _files() { print -rl -- $PREFIX*(N) }
    _risc_worker`,
  fish: (words) => `complete -C ${quoted(['risc-worker', ...words].join(' '))} | string split -f 1 \\t`,
}

const BEFORE: Readonly<Record<Shell, string>> = { bash: '', zsh: 'compdef() { }\n', fish: '' }

function quoted(word: string): string {
  return `'${word}'`
}

/** What lies in the folder in which it is pressed. */
const FILES = ['ca.pem', 'cafe.jwk', 'own.pem']

/** What a real shell offers behind `words`; `undefined` on a machine without it. */
async function complete(shell: Shell, words: readonly string[], databaseUrl: string): Promise<string[] | undefined> {
  const { stdout: script } = await runCommand(['completion', shell], {})
  const folder = mkdtempSync(join(tmpdir(), 'completion-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  symlinkSync(WORKER_BIN, join(folder, 'risc-worker'))
  symlinkSync(process.execPath, join(folder, 'node'))
  writeFileSync(join(folder, 'test'), `${BEFORE[shell]}${script}\n${DRIVERS[shell](words)}\n`)
  const env = { PATH: [folder, process.env['PATH']].join(delimiter), HOME: folder, DATABASE_URL: databaseUrl }
  for (const name of FILES) writeFileSync(join(folder, name), '')
  const { error, stdout, stderr } = spawnSync(shell, [join(folder, 'test')], { env, cwd: folder, encoding: 'utf8' })
  if (error !== undefined) return undefined
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

const NOWHERE = 'postgres://127.0.0.1:1/idp'

test.for(['bash', 'zsh', 'fish'] as const)(
  '%s completes commands, options, choices, streams and files, and nothing where nobody knows',
  async (shell, { database, skip }) => {
    for (const id of ['bank', 'bakery', 'telecom']) await addStream(database.pool, { id })
    const offers = async (...words: string[]) => {
      const found = await complete(shell, words, database.url)
      return found === undefined ? skip(`there is no ${shell} on this machine`) : found.sort()
    }
    expect(await offers('st')).toEqual(['status', 'stream'])
    expect(await offers('stream', 'pa')).toEqual(['pause'])
    expect(await offers('stream', 'add', '--pro')).toEqual(['--profile'])
    expect(await offers('list', '--state', 'd')).toEqual(expect.arrayContaining(['dead', 'dispatched']))
    expect(await offers('list', '--limit', '')).toEqual([])
    expect(await offers('list', '--stream', 'ba')).toEqual(['bakery', 'bank'])
    expect(await offers('stream', 'pause', '--reason', 'status', 'te')).toEqual(['telecom'])
    expect(await offers('stream', 'pause', '--rea')).toEqual(['--reason'])
    expect(await offers('redrive', 'cancel', '')).toEqual([])
    for (const option of ['--ca', '--client-certificate', '--client-key', '--encrypt-to']) {
      expect(await offers('stream', 'set', option, 'ca'), option).toEqual(['ca.pem', 'cafe.jwk'])
    }
    expect(await offers('receive', '--jwks', 'caf')).toEqual(['cafe.jwk'])
    expect(await offers('completion', '')).toEqual(['bash', 'fish', 'zsh'])
    expect(await offers('stream-')).toEqual([])
  },
)

test('bash completes the value behind an equals sign, which it takes for a word', async () => {
  expect(await complete('bash', ['list', '--state', '=', 'dea'], NOWHERE)).toEqual(['dead'])
  expect(await complete('bash', ['list', '--state', '='], NOWHERE)).toContain('queued')
})

test('the ids of streams are found fast or not at all, and nothing is said', async ({ database }) => {
  await addStream(database.pool, { id: 'bank' })
  expect(await runCommand(['stream-ids'], { DATABASE_URL: database.url })).toEqual({
    code: 0,
    stdout: 'bank\n',
    stderr: '',
  })
  for (const env of [{}, { DATABASE_URL: NOWHERE }, { DATABASE_URL: 'nonsense' }]) {
    expect(await runCommand(['stream-ids'], env)).toEqual({ code: 0, stdout: '', stderr: '' })
  }

  const sockets: Socket[] = []
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    silent.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise((resolve) => silent.once('listening', resolve))
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const child = spawnCommand(['stream-ids'], { DATABASE_URL: `postgres://127.0.0.1:${port}/idp` })
  expect(await finished(child)).toEqual({ code: 0, stdout: '', stderr: '' })
})
