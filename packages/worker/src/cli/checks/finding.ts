/** What a check came to: a warning is worth a look, a problem keeps SETs from being delivered. */
export interface Finding {
  /** What was looked at, as in `stream bank`. */
  readonly check: string
  readonly level: 'ok' | 'warning' | 'problem'
  readonly finding: string
  /** What to do about it; `null` where all is well. */
  readonly advice: string | null
}

export function ok(check: string, finding: string): Finding {
  return { check, level: 'ok', finding, advice: null }
}

export function warning(check: string, finding: string, advice: string): Finding {
  return { check, level: 'warning', finding, advice }
}

export function problem(check: string, finding: string, advice: string): Finding {
  return { check, level: 'problem', finding, advice }
}

/** Takes a sentence apart that says what is wrong and, after a colon, what to do about it. */
export function explained(check: string, level: 'warning' | 'problem', sentence: string): Finding {
  const [, finding = sentence, advice = 'see what the database logged'] = /^(.*?): (.*)$/s.exec(sentence) ?? []
  return { check, level, finding, advice }
}
