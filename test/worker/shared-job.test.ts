import { pino } from 'pino'
import { expect } from 'vitest'
import { startRunner } from '../../packages/worker/src/runner.ts'
import { test } from '../support/test.ts'
import { until } from '../support/until.ts'

test('of the tickets that share a job no more are under way than two for each slot, and each has its turn', async ({
  database,
}) => {
  const waiting: (() => void)[] = []
  const begun: number[] = []
  let most = 0
  const runner = startRunner({
    databaseUrl: database.url,
    slots: 1,
    deliver(ticket) {
      begun.push(ticket)
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      most = Math.max(most, waiting.length)
      return promise
    },
    onFetch: () => undefined,
    onNamed: () => undefined,
    log: pino({ level: 'silent' }),
  })
  try {
    await database.query(`select risc_worker.add_job('risc.deliver', to_json(array[1, 2, 3, 4, 5, 6, 7, 8]))`)
    await until(async () => {
      waiting.shift()?.()
      return begun.length === 8 || undefined
    }, 'all eight tickets')
    for (const finish of waiting) finish()
    await until(
      async () => (await database.query('select from risc_worker.jobs')).rowCount === 0 || undefined,
      'the end of the job',
    )
    expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(most).toBe(2)
  } finally {
    await runner.retire(1000)
  }
})
