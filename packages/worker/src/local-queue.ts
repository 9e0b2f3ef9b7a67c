import type { WorkerEvents } from 'graphile-worker'

/**
 * Works around a defect of graphile-worker 0.18.0: a local queue that is released while it holds jobs starts the
 * statement that gives them back, throws, and leaves that statement's promise to nobody, so that a failure of it ends
 * the process. One background task that lasts until after the release lets the queue keep track of it.
 */
export function keepReturnsTracked(events: WorkerEvents): void {
  const { promise: released, resolve: letGo } = Promise.withResolvers<void>()
  events.on('localQueue:init', ({ localQueue }) => track(localQueue, released))
  events.on('localQueue:setMode', ({ newMode }) => {
    if (newMode === 'RELEASED') setImmediate(letGo)
  })
}

/** `background` is private there: the version is pinned, and a test tells when an upgrade takes it away. */
function track(localQueue: object, work: Promise<void>): void {
  if ('background' in localQueue && typeof localQueue.background === 'function') localQueue.background(work)
}
