/** How `pg` is told of a session. */
export interface Session {
  readonly connectionString: string
  readonly options: string
}

/** The server's log may be anybody's to read, and a statement that fails may have a credential or a subject for a value. */
const SILENT = 'log_parameter_max_length_on_error=0'

/** A session with `settings`, and those that the URL asks for: `pg` would let the URL's own `options` replace ours. */
export function sessionOf(databaseUrl: string, settings: readonly string[] = []): Session {
  const ours = [SILENT, ...settings].map((setting) => `-c ${setting}`)
  const url = URL.parse(databaseUrl) // what it is not goes on to `pg`: the error of a URL quotes it, the password too
  const asked = url?.searchParams.getAll('options') ?? []
  if (url === null || asked.length === 0) return { connectionString: databaseUrl, options: ours.join(' ') }
  url.searchParams.delete('options')
  return { connectionString: url.href, options: [...asked, ...ours].join(' ') }
}
