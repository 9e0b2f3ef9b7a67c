import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { test } from '../support/test.ts'
import { addDeliveries, addStream, addWorker, claim, dispatch, settle, tickets } from '../worker/rows.ts'

const readme = readFileSync(new URL('../../packages/worker/README.md', import.meta.url), 'utf8')
const [, section = ''] = /\n## Ten questions, in SQL\n(.*?)\n## /s.exec(readme) ?? []
const questions = [...section.matchAll(/\n(\S[^\n]+\?)\n\n```sql\n(.*?)```/gs)].map(
  ([, question = '', statement = '']) => ({
    question,
    statement,
  }),
)

test('there are ten questions', () => {
  expect(new Set(questions.map(({ question }) => question)).size).toBe(10)
})

test.for(questions)('$question', async ({ statement }, { database: { pool } }) => {
  const cause = /txn = '([^']+)'/.exec(section)?.[1]
  const waiting = /risc\.why\('([^']+)'/.exec(section)?.[1]
  const accepted = /jti = '([^']+)'/.exec(section)?.[1]
  await addStream(pool, { id: 'bank', max_age: '5 hours' })
  const worker = await addWorker(pool)
  const jtis = await addDeliveries(pool, 'bank', 3)
  await pool.query('update risc.deliveries set jti = $1 where jti = $2', [accepted, jtis[0]])
  await dispatch(pool)
  const [first, second, third] = await claim(pool, worker, await tickets(pool))
  const attempt = { counts: true, duration_ms: 12 }
  await settle(pool, [
    { ticket: first, next: 'accepted', status: 202, ...attempt },
    { ticket: second, next: 'dead', dead_because: 'refused', status: 400, reason: 'invalid_audience', ...attempt },
    { ticket: third, next: 'retry', reason: 'timeout', delay_ms: 60_000, ...attempt },
  ])
  await pool.query(
    `update risc.deliveries set jti = $1, txn = $2, due_at = due_at - interval '1 hour' where state = 'queued'`,
    [waiting, cause],
  )
  const { rows } = await pool.query(statement)
  expect(rows.length).toBeGreaterThan(0)
})

test("each statement of the project's README runs", async ({ database: { pool } }) => {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, statements = ''] = /\n## With SQL\n\n```sql\n(.*?)```/s.exec(text) ?? []
  expect(statements).toContain('risc.why')
  await pool.query(statements)
})
