import { expect } from 'vitest'
import { test } from '../../support/test.ts'
import { addDeadLetters, letRatesPass, startRedrive, turn } from '../dead-letters.ts'
import { addStream, addWorker } from '../rows.ts'
import { runCommand, runJson } from './command.ts'

test('a redrive is cancelled half-way and resumed, and both say how far it is', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url, USER: 'alice' }
  await addWorker(pool, { slots: 40_000 })
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 10)
  const id = await startRedrive(pool, { perSecond: 4 })
  await letRatesPass(pool, 1000)
  await turn(pool)
  expect(await runCommand(['redrive', 'cancel', `${id}`], env)).toEqual({
    code: 0,
    stdout: 'redrive 1 is cancelled: 5 of 10 released, 0 accepted, 0 dead again, 5 waiting, 5 left\n',
    stderr: '',
  })
  expect((await runCommand(['redrive', 'cancel', `${id}`], env)).code).toBe(0) // as it was asked for
  expect(await runJson(['redrive', 'list'], env)).toMatchObject({
    redrives: [{ id, state: 'cancelled', cancelled_by: 'alice@host-1', remaining: 5 }],
  })
  expect(await runJson(['redrive', 'resume', `${id}`], env)).toMatchObject({
    changed: true,
    state: 'running',
    cancelled_by: null,
  })
  await letRatesPass(pool, 1000)
  await turn(pool)
  await letRatesPass(pool, 1000)
  await turn(pool)
  for (const command of ['cancel', 'resume']) {
    expect(await runCommand(['redrive', command, `${id}`], env)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^redrive 1 is done: 10 of 10 released/),
    })
  }
})

test('list shows the latest first, and what each is about', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url }
  expect(await runCommand(['redrive', 'list'], env)).toEqual({ code: 0, stdout: '', stderr: 'nothing\n' })
  await addStream(pool, { id: 'a' })
  await addStream(pool, { id: 'b' })
  await addDeadLetters(pool, 'a', 10)
  await addDeadLetters(pool, 'b', 10)
  await startRedrive(pool, { streamId: 'a', reason: 'exhausted' })
  await startRedrive(pool, { streamId: 'b' })
  const { stdout } = await runCommand(['redrive', 'list'], env)
  const [head, ...lines] = stdout.trimEnd().split('\n')
  expect(head).toMatch(
    /^ID\s+STATE\s+TOTAL\s+LEFT\s+RELEASED\s+WAITING\s+ACCEPTED\s+DEAD AGAIN\s+BEGUN\s+BY\s+DEAD LETTERS/,
  )
  expect(lines).toEqual([
    expect.stringMatching(/^ 2 {2}running +10 +10 +0 .* b until \S+Z$/),
    expect.stringMatching(/^ 1 {2}running +10 +10 +0 .* a exhausted until \S+Z$/),
  ])
})

test('watch prints what changes, and ends when all is released and answered', async ({ database: { pool, url } }) => {
  const env = { DATABASE_URL: url }
  await addWorker(pool, { slots: 40_000 })
  await addStream(pool, { id: 'a' })
  await addDeadLetters(pool, 'a', 2)
  const id = await startRedrive(pool, { perSecond: 1 })
  let printed = ''
  const watching = runCommand(['redrive', 'watch', `${id}`, '--interval', '5ms'], env, {
    stdout: {
      write(text) {
        printed += text
        if (/running: 0 of 2/.test(text)) void letRatesPass(pool, 1000).then(() => turn(pool))
        if (/done: 2 of 2 released.* 2 waiting/.test(text))
          void pool.query(`update risc.deliveries set state = 'dead', dead_because = 'refused', dead_at = now()`)
      },
    },
  })
  expect(await watching).toMatchObject({ code: 0, stderr: '' })
  expect(printed.split('\n')).toEqual([
    'running: 0 of 2 released, 0 accepted, 0 dead again, 0 waiting, 2 left, about 2s to go',
    'done: 2 of 2 released, 0 accepted, 0 dead again, 2 waiting',
    'done: 2 of 2 released, 0 accepted, 2 dead again, 0 waiting',
    '',
  ])
  const { stdout } = await runCommand(['redrive', 'watch', `${id}`, '--json'], env)
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ id, state: 'done', dead_again: 2 }])
})

test.for(['watch', 'cancel', 'resume'])('redrive %s of one that is not there fails', async (command, { database }) => {
  expect(await runCommand(['redrive', command, '7'], { DATABASE_URL: database.url })).toEqual({
    code: 1,
    stdout: '',
    stderr: 'risc-worker: there is no redrive 7: see `risc-worker redrive list`\n',
  })
})

test.each([[['watch']], [['watch', 'x']], [['cancel', '0']], [['resume', '1', '2']], [['list', '--limit', '0']]])(
  'redrive %j is misuse',
  async (argv) => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/idp' }
    expect(await runCommand(['redrive', ...argv], env)).toMatchObject({ code: 64, stdout: '' })
  },
)
