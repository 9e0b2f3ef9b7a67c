/** What the receiver is told by its environment. */
export interface Settings {
  readonly databaseUrl: string
  readonly port: number
  readonly idp: { readonly issuer: string; readonly audience: string; readonly jwks: URL }
}

/** Reads the environment. What is wrong with it is printed, all at once, and ends the process with 64. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: string[] = []
  const read = (name: string, what: string, fits: (value: string) => boolean = (value) => value !== ''): string => {
    const value = env[name] ?? ''
    if (!fits(value)) problems.push(`${name} must be ${what}`)
    return value
  }
  const databaseUrl = read('DATABASE_URL', 'a URL, as in postgres://app@localhost/app', URL.canParse)
  const port = read(
    'PORT',
    'a port to listen on, as in 8080',
    (value) => /^\d{1,5}$/.test(value) && Number(value) < 65_536,
  )
  const issuer = read('ISSUER', 'what the identity provider calls itself, byte for byte its iss')
  const audience = read('AUDIENCE', 'what the identity provider calls this partner, its aud')
  const jwksUrl = read(
    'JWKS_URL',
    "the URL of the identity provider's keys, as in https://idp.example/jwks.json",
    URL.canParse,
  )
  if (problems.length > 0) {
    console.error(problems.join('\n'))
    process.exit(64)
  }
  return { databaseUrl, port: Number(port), idp: { issuer, audience, jwks: new URL(jwksUrl) } }
}
