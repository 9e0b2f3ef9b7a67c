import { PgBoss } from 'pg-boss'
import type { Push } from './contender.ts'
import { QUEUE } from './pg-boss.ts'
import { postSet } from './post-set.ts'
import { readOrder } from './sender.ts'

// https://pgboss.io/api/workers: half a second is the least that it polls at
const POLLING_SECONDS = 0.5
const { url, concurrency, flavour } = readOrder()
const boss = new PgBoss(url)
boss.on('error', console.error)
await boss.start()
if (flavour === 'batches') {
  const options = { batchSize: concurrency, perJobResults: true, pollingIntervalSeconds: POLLING_SECONDS } as const
  await boss.work<Push>(QUEUE, options, (jobs) =>
    Promise.all(
      jobs.map(({ id, data }) =>
        postSet(data.url, data.body).then(
          () => ({ id, status: 'completed' as const }),
          () => ({ id, status: 'failed' as const }),
        ),
      ),
    ),
  )
} else {
  const options = { localConcurrency: concurrency, pollingIntervalSeconds: POLLING_SECONDS }
  await boss.work<Push>(QUEUE, options, async ([job]) => job && postSet(job.data.url, job.data.body))
}
