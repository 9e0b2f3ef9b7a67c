/** What `node --cpu-prof` writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  /** Microseconds, one for each sample. */
  readonly timeDeltas: readonly number[]
}

export interface Share {
  readonly place: string
  readonly percent: number
}

const OUTSIDE = new Set(['(root)', '(idle)'])

/** The part of the busy time that each package, own file or part of Node had for itself, the greatest first. */
export function shareByPlace({ nodes, samples, timeDeltas }: CpuProfile): Share[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const micros = new Map<string, number>()
  for (const [n, id] of samples.entries()) {
    const frame = frames.get(id)
    if (frame === undefined || OUTSIDE.has(frame.functionName)) continue
    const place = placeOf(frame)
    micros.set(place, (micros.get(place) ?? 0) + (timeDeltas[n] ?? 0))
  }
  const total = [...micros.values()].reduce((sum, value) => sum + value, 0)
  return [...micros]
    .map(([place, value]) => ({ place, percent: (value * 100) / total }))
    .toSorted((a, b) => b.percent - a.percent)
}

function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName // (garbage collector), (program) and what is native
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/')
  const inPackage = url.slice(url.lastIndexOf('/node_modules/')).match(/^\/node_modules\/((?:@[^/]+\/)?[^/]+)/)
  return inPackage?.[1] ?? url.split('/').slice(-3).join('/')
}
