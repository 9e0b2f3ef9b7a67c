const listening = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `act` when the signal aborts, or at once if it has. Returns how to listen no more.
 *
 * For a signal that hundreds listen to, each for a moment: an event target walks through all of its listeners to remove one.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    act()
    return () => undefined
  }
  const listeners = listening.get(signal) ?? listenTo(signal)
  listeners.add(act)
  return () => void listeners.delete(act)
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>()
  listening.set(signal, listeners)
  signal.addEventListener('abort', () => listeners.forEach((act) => void act()), { once: true })
  return listeners
}
