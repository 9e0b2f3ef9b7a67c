import { Resolver } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { closestMatch } from 'leven'
import { Client } from 'pg'
import { z } from 'zod'
import { type CredentialKeys, noCredentialKeys, readCredentialKeys } from './credential-keys.ts'
import type { CredentialMeans } from './credential-reader.ts'
import { VARIABLE_PREFIX } from './credential-reference.ts'
import { errorCode } from './error-code.ts'
import { InvalidConfigError } from './errors.ts'
import type { HttpAddress } from './http-server.ts'
import type { KeptDays } from './retention.ts'

/** What may be connected to, and how. */
export interface NetworkConfig {
  /** Allows receivers on loopback addresses, by plain HTTP too: for development only. */
  readonly allowLoopback: boolean
  /** Judges addresses of 64:ff9b::/96 by the IPv4 address inside: where IPv4 is reached through NAT64. */
  readonly allowNat64: boolean
  /** Name servers as `address` or `address:port`; none for those of the system. */
  readonly dnsServers: readonly string[]
  /** A forward proxy's URL. It resolves the names of receivers, and so has to judge their addresses. */
  readonly httpsProxy: string | undefined
}

/** What a worker needs to know. */
export interface WorkerConfig extends NetworkConfig {
  /** Where the outbox is. */
  readonly databaseUrl: string
  /** What the credentials of streams are opened by. */
  readonly credentials: CredentialMeans
  /** How many deliveries are handed out for this process. It may take what is meant for others, twice as many in all. */
  readonly concurrency: number
  /** How long a stopping worker waits for what is in flight. */
  readonly shutdownMs: number
  /** For how long the workers keep dead letters, history and attempts. */
  readonly keptDays: KeptDays
  readonly logLevel: LogLevel
  /** What people see of this process in `risc-worker status` and in the log. */
  readonly name: string
  /** Where `/livez`, `/readyz` and `/metrics` are served, by plain HTTP; nowhere when left out. */
  readonly http?: HttpAddress
  /** How many streams have metrics of their own; the others are summed. */
  readonly metricsStreams: number
}

export type LogLevel = (typeof LOG_LEVELS)[number]

/** What the environment is read from: `process.env` or the like. */
export type Environment = Readonly<Record<string, string | undefined>>

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

// Messages are all our own and hold no value: a secret may be in the wrong variable.
const SETTINGS = z.object({
  DATABASE_URL: z
    .string('is required, as postgres://user:password@host:5432/database')
    .refine(isPostgresUrl, {
      error: 'must be a URL such as postgres://user:password@host:5432/database, special characters percent-encoded',
      abort: true,
    })
    .refine(suitsDriver, 'cannot be used by the driver: does it name a certificate file that is not there?'),
  RISC_CONCURRENCY: wholeNumber(1, 2000).default(400),
  RISC_ALLOW_LOOPBACK: trueOrFalse(),
  RISC_ALLOW_NAT64: trueOrFalse(),
  RISC_DNS_SERVERS: z
    .string()
    .transform((text) => text.split(','))
    .refine(suitsResolver, 'must be addresses, as 192.0.2.53,[2001:db8::53]:5353')
    .default([]),
  RISC_HTTPS_PROXY: z.string().refine(isProxyUrl, 'must be a URL such as http://proxy.example:3128').optional(),
  RISC_SHUTDOWN_SECONDS: wholeNumber(0, 3600).default(10),
  RISC_KEEP_DEAD_DAYS: days().default(30),
  RISC_KEEP_HISTORY_DAYS: days().default(90),
  RISC_KEEP_ATTEMPTS_DAYS: days().default(14),
  RISC_LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  RISC_WORKER_NAME: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/, 'must be 1 to 100 visible ASCII characters')
    .optional(),
  RISC_CREDENTIAL_KEYS: z.string().transform(credentialKeys).optional(),
  RISC_CREDENTIAL_KEYS_FILE: z.string().transform(credentialKeysIn).optional(),
  RISC_CREDENTIALS_DIRECTORY: z.string().refine(isAbsolute, 'must be an absolute path').optional(),
  RISC_HTTP_PORT: wholeNumber(0, 65_535).optional(),
  RISC_HTTP_HOST: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::')
    .default('127.0.0.1'), // metrics name partners: nobody else's to see unless somebody says so
  RISC_METRICS_STREAMS: wholeNumber(0, 10_000).default(200),
})

/** The names of all variables that a worker is set by. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS.shape)

const CREDENTIAL_SETTINGS = SETTINGS.pick({
  RISC_CREDENTIAL_KEYS: true,
  RISC_CREDENTIAL_KEYS_FILE: true,
  RISC_CREDENTIALS_DIRECTORY: true,
})

const CONNECTION_SETTINGS = SETTINGS.pick({
  DATABASE_URL: true,
  RISC_ALLOW_LOOPBACK: true,
  RISC_ALLOW_NAT64: true,
  RISC_DNS_SERVERS: true,
  RISC_HTTPS_PROXY: true,
})

/**
 * Reads a worker's configuration from the environment. An empty variable counts as one that is not set.
 *
 * @param defaults.name how to call this process where `RISC_WORKER_NAME` does not say.
 * @throws {@link InvalidConfigError} with every problem at once, unknown variables `RISC_*` among them.
 */
export function readConfig(env: Environment, defaults: { readonly name: string }): WorkerConfig {
  const given = withoutEmpty(env)
  const settings = parse(SETTINGS, given, unknownSettings(given))
  return {
    databaseUrl: settings.DATABASE_URL,
    concurrency: settings.RISC_CONCURRENCY,
    ...toNetwork(settings),
    credentials: toMeans(settings, given),
    shutdownMs: settings.RISC_SHUTDOWN_SECONDS * 1000,
    keptDays: {
      dead: settings.RISC_KEEP_DEAD_DAYS,
      history: settings.RISC_KEEP_HISTORY_DAYS,
      attempts: settings.RISC_KEEP_ATTEMPTS_DAYS,
    },
    logLevel: settings.RISC_LOG_LEVEL,
    name: settings.RISC_WORKER_NAME ?? defaults.name,
    ...(settings.RISC_HTTP_PORT !== undefined && {
      http: { host: settings.RISC_HTTP_HOST, port: settings.RISC_HTTP_PORT },
    }),
    metricsStreams: settings.RISC_METRICS_STREAMS,
  }
}

/**
 * Reads what a command for operators needs. The rest of the environment is none of its business.
 *
 * @throws {@link InvalidConfigError}
 */
export function readConnectionConfig(env: Environment): Pick<WorkerConfig, 'databaseUrl'> & NetworkConfig {
  const settings = parse(CONNECTION_SETTINGS, withoutEmpty(env), [])
  return { databaseUrl: settings.DATABASE_URL, ...toNetwork(settings) }
}

/**
 * Reads what opens and seals the credentials of streams.
 *
 * @throws {@link InvalidConfigError} which quotes no key
 */
export function readCredentialConfig(env: Environment): CredentialMeans {
  const given = withoutEmpty(env)
  return toMeans(parse(CREDENTIAL_SETTINGS, given, []), given)
}

function toMeans(settings: z.output<typeof CREDENTIAL_SETTINGS>, env: Environment): CredentialMeans {
  const { RISC_CREDENTIAL_KEYS: keys, RISC_CREDENTIAL_KEYS_FILE: keysInFile } = settings
  if (keys !== undefined && keysInFile !== undefined) {
    throw new InvalidConfigError(['RISC_CREDENTIAL_KEYS and RISC_CREDENTIAL_KEYS_FILE say the same: give one of them'])
  }
  return {
    keys: keys ?? keysInFile ?? noCredentialKeys,
    sources: { directory: settings.RISC_CREDENTIALS_DIRECTORY, env: onlyCredentials(env) },
  }
}

function onlyCredentials(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(VARIABLE_PREFIX)))
}

function toNetwork(settings: z.output<typeof CONNECTION_SETTINGS>): NetworkConfig {
  return {
    allowLoopback: settings.RISC_ALLOW_LOOPBACK,
    allowNat64: settings.RISC_ALLOW_NAT64,
    dnsServers: settings.RISC_DNS_SERVERS,
    httpsProxy: settings.RISC_HTTPS_PROXY,
  }
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  env: Environment,
  others: readonly string[],
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(env)
  const problems = success ? [] : error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
  if (!success || others.length > 0) throw new InvalidConfigError([...problems, ...others])
  return data
}

function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
}

function unknownSettings(env: Environment): string[] {
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith('RISC_') && !isSetting(name) && !isServiceLink(name, value))
    .map(([name]) => {
      const meant = closestMatch(name, SETTING_NAMES, { maxDistance: 5 })
      return meant === undefined ? `${name} is not a setting` : `${name} is not a setting (did you mean ${meant}?)`
    })
}

function isSetting(name: string): boolean {
  return SETTING_NAMES.includes(name) || name.startsWith(VARIABLE_PREFIX)
}

/** Kubernetes tells every container of every service: one called `risc-worker` makes `RISC_WORKER_SERVICE_HOST` and more. */
function isServiceLink(name: string, value = ''): boolean {
  return /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP|SCTP)/.test(name) || /^(tcp|udp|sctp):\/\//.test(value)
}

function credentialKeys(text: string, context: z.RefinementCtx): CredentialKeys {
  const result = readCredentialKeys(text)
  if (result.kind === 'keys') return result.keys
  for (const message of result.problems) context.addIssue({ code: 'custom', message: `cannot be used: ${message}` })
  return z.NEVER
}

function credentialKeysIn(file: string, context: z.RefinementCtx): CredentialKeys {
  try {
    return credentialKeys(readFileSync(file, 'utf8'), context)
  } catch (error) {
    context.addIssue({ code: 'custom', message: `names a file that cannot be read: ${errorCode(error)}` })
    return z.NEVER
  }
}

function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  return z
    .string()
    .refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number)
}

/** For ever has a word of its own: 0 would be taken for not at all as well. */
function days(): z.ZodType<number | null, string> {
  return z
    .string()
    .refine((text) => text === 'forever' || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 36_500), {
      error: 'must be a whole number of days from 1 to 36500, or forever',
    })
    .transform((text) => (text === 'forever' ? null : Number(text)))
}

function trueOrFalse(): z.ZodType<boolean, string | undefined> {
  return z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .default(false)
}

function suitsResolver(servers: readonly string[]): boolean {
  try {
    new Resolver().setServers(servers)
    return true
  } catch {
    return false
  }
}

function isProxyUrl(text: string): boolean {
  return text.startsWith('http://') && URL.canParse(text)
}

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\/\S*$/.test(text) && URL.canParse(text)
}

function suitsDriver(url: string): boolean {
  try {
    return Number.isInteger(new Client({ connectionString: url }).port)
  } catch {
    return false
  }
}
