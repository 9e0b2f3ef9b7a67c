import { EventEmitter, once } from 'node:events'
import { Logger, makeWorkerUtils, run, type WorkerEvents } from 'graphile-worker'
import { expect } from 'vitest'
import { keepReturnsTracked } from '../../packages/worker/src/local-queue.ts'
import { test } from '../support/test.ts'

test('a graphile-worker runner whose local queue holds jobs stops without an error and gives them back', async ({
  database,
}) => {
  const preset = { worker: { schema: 'risc_worker', localQueue: { size: 50 }, completeJobBatchDelay: 0 } }
  const complaints: unknown[] = []
  const logger = new Logger(() => (level, message) => {
    if (level === 'error') complaints.push(message)
  })
  const utils = await makeWorkerUtils({ connectionString: database.url, preset, logger })
  await utils.addJobs(Array.from({ length: 50 }, () => ({ identifier: 'wait', payload: {} })))
  await utils.release()

  const events: WorkerEvents = new EventEmitter()
  keepReturnsTracked(events)
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const taskList = { wait: () => finished }
  const started = once(events, 'job:start')
  const runner = await run({
    pgPool: database.pool,
    preset,
    logger,
    events,
    taskList,
    noHandleSignals: true,
    parsedCronItems: [],
  })
  await started
  const stopped = runner.stop()
  finish()
  await stopped

  const { rows } = await database.query(
    'select count(*)::integer as jobs, count(locked_by)::integer as locked, max(attempts) as attempts from risc_worker.jobs',
  )
  expect(rows).toEqual([{ jobs: 49, locked: 0, attempts: 0 }])
  expect(complaints).toEqual([])
})
