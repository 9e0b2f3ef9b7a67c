/** What is known of a verified SET. */
export interface Known {
  readonly verified: true
  /** How many times it has come by now. */
  readonly attempt: number
  /** Whether it was accepted before. */
  readonly duplicate: boolean
}

const REMEMBERED = 10_000

/** Remembers which SETs came, by `jti`: the latest ten thousand of them. */
export class KnownSets {
  readonly #sets = new Map<unknown, { readonly attempt: number; readonly accepted: boolean }>()

  /** Counts one that came, and is accepted or not. */
  count(jti: unknown, accepted: boolean): Known {
    const before = this.#sets.get(jti) ?? { attempt: 0, accepted: false }
    const attempt = before.attempt + 1
    this.#sets.delete(jti) // so that the oldest is the first
    this.#sets.set(jti, { attempt, accepted: before.accepted || accepted })
    const [oldest] = this.#sets.keys()
    if (this.#sets.size > REMEMBERED) this.#sets.delete(oldest)
    return { verified: true, attempt, duplicate: before.accepted }
  }
}
