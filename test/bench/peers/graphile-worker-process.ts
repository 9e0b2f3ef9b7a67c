import { Logger, run } from 'graphile-worker'
import type { Push } from './contender.ts'
import { postSet } from './post-set.ts'
import { readOrder } from './sender.ts'

// https://worker.graphile.org/docs/library/run; `tuned` as https://worker.graphile.org/docs/performance says
const { url, concurrency, flavour } = readOrder()
const logger = new Logger(() => () => undefined)
const tuned = {
  concurrentJobs: concurrency,
  localQueue: { size: concurrency + 1 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}
const runner = await run({
  connectionString: url,
  taskList: {
    async push(payload) {
      const { url, body } = payload as Push
      await postSet(url, body)
    },
  },
  preset: {
    worker:
      flavour === 'tuned'
        ? { logger, ...tuned }
        : { logger, ...(flavour === 'concurrent' && { concurrentJobs: concurrency }) },
  },
})
await runner.promise
