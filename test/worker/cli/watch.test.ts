import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { startPostgres } from 'example-local-postgres'
import { migrate } from 'risc-worker'
import { expect, onTestFinished } from 'vitest'
import type { World } from '../../../packages/worker/src/cli/world.ts'
import { openPool } from '../../support/database.ts'
import { test } from '../../support/test.ts'
import { until } from '../../support/until.ts'
import { WORKER_BIN } from '../../support/worker-bin.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

interface Watched {
  readonly streams: readonly { readonly queued: number; readonly accepted_last_minute: number }[]
  readonly totals: { readonly queued: number; readonly dead: number }
}

const WATCH = ['status', '--watch', '--interval', '100ms']

/** A watch in this process, on a terminal that remembers what was written to it. */
function watch(databaseUrl: string, world: Partial<World> = {}) {
  let written = ''
  let press = (_: string): void => undefined
  let resize = (): void => undefined
  const terminal = { isTTY: true, columns: 80, rows: 24, write: (chunk: string) => (written += chunk) }
  const ended = runCommand(
    WATCH,
    { DATABASE_URL: databaseUrl, NO_COLOR: '1' },
    {
      stdout: terminal,
      onKey: (listener) => {
        press = listener
        return () => undefined
      },
      onResize: (listener) => {
        resize = listener
      },
      ...world,
    },
  )
  return {
    terminal,
    ended,
    written: () => written,
    lastFrame: () => written.split('\u001b[H').at(-1) ?? '',
    press: (key: string) => press(key),
    resize: () => resize(),
  }
}

/** A watch in this process that prints JSON lines. */
function print(databaseUrl: string) {
  const lines: string[] = []
  const complaints: string[] = []
  let stop = (_: string): void => undefined
  const world: Partial<World> = {
    stdout: { write: (line) => lines.push(line) },
    stderr: { write: (line) => complaints.push(line) },
    onSignal: (listener) => {
      stop = listener
    },
  }
  const ended = runCommand([...WATCH, '--json'], { DATABASE_URL: databaseUrl }, world)
  return { lines, complaints, ended, stop: (signal: string) => stop(signal) }
}

/** Resolves once one of the lines says it. */
function says(lines: readonly string[], what: string): Promise<true> {
  return until(async () => lines.some((line) => line.includes(what)) || undefined, what)
}

/** Resolves once the screen shows it. */
function shows(watching: ReturnType<typeof watch>, what: string | RegExp): Promise<string> {
  return until(async () => {
    const frame = stripVTControlCharacters(watching.lastFrame())
    return frame.match(what) ? frame : undefined
  }, `${what} on the screen`)
}

test.for(['q', 'Q', '\u0003'])(
  'the screen is live until the key %j, and then all is as it was before',
  async (key, { database }) => {
    const { pool, url } = database
    await addStream(pool, { id: 'bank' })
    const watching = watch(url)
    await shows(watching, /bank +enabled +0 /)
    await addDeliveries(pool, 'bank', 7)
    await shows(watching, /bank +enabled +7 /)
    watching.press(key)
    expect(await watching.ended).toMatchObject({ code: 0, stderr: '' })
    expect(watching.written().startsWith('\u001b[?1049h\u001b[?25l')).toBe(true)
    expect(watching.written().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
  },
)

test('a signal ends it as a key does', async ({ database }) => {
  let signal = (_: string): void => undefined
  const watching = watch(database.url, {
    onSignal: (listener) => {
      signal = listener
    },
  })
  await shows(watching, '0 streams')
  signal('SIGTERM')
  expect(await watching.ended).toMatchObject({ code: 0, stderr: '' })
})

test('when the terminal has another size the screen is drawn anew at once', async ({ database }) => {
  await addStream(database.pool, { id: 'bank' })
  const watching = watch(database.url)
  const wide = await shows(watching, 'LAST MINUTE')
  expect(wide).toContain('q quits')
  Object.assign(watching.terminal, { columns: 60, rows: 5 })
  watching.resize()
  const narrow = stripVTControlCharacters(watching.lastFrame())
  expect(narrow).not.toContain('LAST MINUTE')
  expect(narrow.split('\r\n').length).toBeLessThanOrEqual(5)
  watching.press('q')
  await watching.ended
})

test('what is accepted shows in the picture of the last minute, of its stream and of all', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'bank' })
  const watching = watch(url)
  await shows(watching, /bank .* 0 +▁{12}\n?/)
  await addDeliveries(pool, 'bank', 40)
  const worker = await addWorker(pool)
  await dispatch(pool)
  const outcome = { next: 'accepted', counts: true, status: 202, duration_ms: 1 }
  await settle(
    pool,
    (await claim(pool, worker, await tickets(pool))).map((ticket) => ({ ticket, ...outcome })),
  )
  await shows(watching, /\/s accepted ▁+█▁*$/m)
  expect(await shows(watching, /bank .* ▁+█▁*$/m)).toContain('1 stream:')
  watching.press('q')
  await watching.ended
})

test('it survives a database that goes away and comes back, and says so', { timeout: 60_000 }, async () => {
  const postgres = await startPostgres({ settings: { fsync: 'off' } })
  const pool = openPool(postgres.url)
  try {
    await migrate(postgres.url)
    await addStream(pool, { id: 'bank' })
    const watching = watch(postgres.url)
    const printing = print(postgres.url)
    await shows(watching, /bank +enabled/)
    await says(printing.lines, '"stream_id":"bank"')
    await postgres.halt('immediate')
    expect(await shows(watching, 'the database cannot be reached')).toContain('bank')
    await says(printing.complaints, 'looking again')
    await postgres.resume()
    await addDeliveries(pool, 'bank', 5)
    expect(await shows(watching, /bank +enabled +5 /)).not.toContain('cannot be reached')
    await says(printing.lines, '"queued":5')
    watching.press('q')
    printing.stop('SIGTERM')
    expect(await Promise.all([watching.ended, printing.ended])).toMatchObject([{ code: 0 }, { code: 0 }])
    expect(printing.complaints.join('')).toMatch(
      /^risc-worker: the database .*; looking again\nrisc-worker: the database is back\n$/,
    )
  } finally {
    await pool.end()
    await postgres.stop()
  }
})

test('a database that cannot be used from the first is told as by every other command', async () => {
  const { code, stdout, stderr } = await runCommand([...WATCH, '--json'], {
    DATABASE_URL: 'postgres://127.0.0.1:1/idp',
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^risc-worker: the database cannot be reached: .*\n$/)
})

test('--watch --json prints the document of status --json, a line each time', async ({ database }) => {
  const { pool, url } = database
  await addStream(pool, { id: 'bank' })
  await addDeliveries(pool, 'bank', 3)
  const printing = print(url)
  await until(async () => (printing.lines.length >= 3 ? true : undefined), 'three lines')
  printing.stop('SIGINT')
  expect(await printing.ended).toMatchObject({ code: 0 })
  const ofStatus = await runJson<Watched>(['status'], { DATABASE_URL: url })
  for (const line of printing.lines) {
    expect(line).toMatch(/^\{.*\}\n$/)
    const document: Watched = JSON.parse(line)
    expect(Object.keys(document)).toEqual(Object.keys(ofStatus))
    expect(document).toMatchObject({ streams: [{ queued: 3, accepted_last_minute: 0 }], totals: { queued: 3 } })
  }
})

test('on a real terminal q ends it, and the terminal echoes again', async ({ database, skip }) => {
  await addStream(database.pool, { id: 'bank' })
  const command = `stty rows 24 cols 80; ${process.execPath} ${WORKER_BIN} status --watch; echo "exit $?"; stty -a`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, DATABASE_URL: database.url, TERM: 'xterm' },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const isThere = await once(child, 'spawn').then(
    () => true,
    () => false,
  )
  if (!isThere) return skip('there is no `script` on this machine')
  const closed = once(child, 'close')
  let shown = ''
  child.stdout.on('data', (chunk) => (shown += chunk))
  await until(async () => (shown.includes('bank') ? true : undefined), 'the screen')
  child.stdin.write('q')
  await closed
  const [, after = ''] = shown.split('\u001b[?1049l')
  expect(after).toContain('exit 0')
  expect(after).toMatch(/ icanon .* echo /s)
})
