import { Worker } from 'bullmq'
import { QUEUE } from './bullmq.ts'
import type { Push } from './contender.ts'
import { postSet } from './post-set.ts'
import { readOrder } from './sender.ts'

// https://docs.bullmq.io/guide/workers/concurrency
const { url, concurrency } = readOrder()
const worker = new Worker<Push>(QUEUE, ({ data }) => postSet(data.url, data.body), { connection: { url }, concurrency })
worker.on('error', console.error)
