/** A delivery that was left alone, and why: `busy` means that something else is at it. */
export interface UntouchedDelivery {
  readonly jti: string
  readonly because: 'in_flight' | 'exp_passed' | 'stream_disabled' | 'busy'
}

/** Something done to deliveries. */
export interface NamedAction {
  /** Returns those that it was done to. */
  readonly act: (jtis: readonly string[]) => Promise<readonly string[]>
  /** Returns those that are not settled, and why they were left alone. */
  readonly why: (jtis: readonly string[]) => Promise<readonly UntouchedDelivery[]>
}

/** What came of something done to deliveries that were named by their `jti`. */
export interface NamedReport {
  readonly done: number
  readonly untouched: readonly UntouchedDelivery[]
  /** Settled, or never heard of. */
  readonly unknown: readonly string[]
}

/** As many as one statement takes, so that none is under way for long. */
const BATCH = 500

const REASONS: Readonly<Record<UntouchedDelivery['because'], string>> = {
  in_flight: 'in flight already',
  exp_passed: 'cannot be sent again, the exp of its SET has passed',
  stream_disabled: 'cannot be sent again, its stream is disabled',
  busy: 'busy with something else, try again',
}

/** Does something to deliveries, batch by batch. */
export async function actOnNamed(named: readonly string[], { act, why }: NamedAction): Promise<NamedReport> {
  const jtis = [...new Set(named)]
  const done = new Set<string>()
  const untouched: UntouchedDelivery[] = []
  for (let start = 0; start < jtis.length; start += BATCH) {
    const batch = jtis.slice(start, start + BATCH)
    for (const jti of await act(batch)) done.add(jti)
    const left = batch.filter((jti) => !done.has(jti))
    if (left.length > 0) untouched.push(...(await why(left)))
  }
  const known = new Set([...done, ...untouched.map(({ jti }) => jti)])
  return { done: done.size, untouched, unknown: jtis.filter((jti) => !known.has(jti)) }
}

/** Says for people why deliveries were left alone, one line each. */
export function explainUntouched(deliveries: readonly UntouchedDelivery[]): string {
  return deliveries.map(({ jti, because }) => `${REASONS[because]}: ${jti}\n`).join('')
}
