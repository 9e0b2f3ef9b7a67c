import { type Command, Option } from 'commander'
import type { Insertable } from 'kysely'
import type { StreamProfile, StreamTable } from 'risc-outbox'
import { commaSeparated, duration, listOrNone, wholeNumber } from './argument.ts'
import { MisuseError } from './command-error.ts'
import {
  addConnectionOptions,
  type ClientKeySealing,
  type ConnectionOptions,
  readConnectionColumns,
} from './connection-options.ts'
import { addCredentialOptions, type CredentialOptions } from './credential-options.ts'
import { eventUri } from './event-uri.ts'

/** A stream's settings as a command line says them. */
export interface StreamSettingOptions extends ConnectionOptions, CredentialOptions {
  readonly url?: string
  readonly profile?: StreamProfile
  readonly audience?: string[]
  readonly events?: string[]
  readonly ordering?: 'subject' | 'none'
  readonly maxInFlight?: number
  readonly rateLimit?: number
  readonly rateInterval?: number
  readonly timeoutMs?: number
  readonly retryDelays?: number[]
  readonly maxAge?: number
}

/** The columns that the options set. */
export type StreamSettings = Partial<Omit<Insertable<StreamTable>, 'id'>>

/** Adds the options that {@link readStreamSettings} reads; a new stream needs a URL, and has a default for the rest. */
export function addSettingOptions(command: Command, { isNew }: { readonly isNew: boolean }): Command {
  const by = (value: string) => (isNew ? ` (default: ${value})` : '')
  return addCredentialOptions(addConnectionOptions(command))
    .addOption(new Option('--url <url>', 'where the receiver takes SETs, https:').makeOptionMandatory(isNew))
    .addOption(new Option('--profile <profile>', `how its SETs are written${by('ssf')}`).choices(['ssf', 'login.gov']))
    .option('--audience <aud,…>', `the claim aud${by('the URL')}`, commaSeparated)
    .option('--events <type,…>', `short names or URIs of the events it wants, or all${by('all')}`, commaSeparated)
    .addOption(
      new Option('--ordering <ordering>', `whether events of one user keep their order${by('subject')}`).choices([
        'subject',
        'none',
      ]),
    )
    .option('--max-in-flight <n>', `deliveries in flight at most, over all workers${by('50')}`, wholeNumber(1))
    .option('--rate-limit <n>', `requests in any rate interval at most${by('1000')}`, wholeNumber(1))
    .option('--rate-interval <duration>', `what the rate limit is counted over${by('1m')}`, duration(1))
    .option('--timeout-ms <ms>', `time for one request, all in all${by('3000')}`, wholeNumber(100, 60_000))
    .option(
      '--retry-delays <duration,…>',
      `waits between attempts, or none${by('10s,1m,10m,1h')}`,
      listOrNone(duration(24)),
    )
    .option('--max-age <duration>', `when to give a delivery up${by('72h')}`, duration(365))
}

/** Reads the options as columns, but for the credential; those that were not given are left out. */
export async function readStreamSettings(
  options: StreamSettingOptions,
  sealing: ClientKeySealing,
): Promise<StreamSettings> {
  const { url, profile, audience, events, ordering, maxInFlight, rateLimit, rateInterval } = options
  const { timeoutMs, retryDelays, maxAge } = options
  return {
    ...(profile !== undefined && { profile }),
    ...(url !== undefined && { endpoint_url: url }),
    ...(await readConnectionColumns(options, sealing)),
    ...(audience !== undefined && { audience }),
    ...(events !== undefined && { events_requested: readEvents(events) }),
    ...(ordering !== undefined && { ordering }),
    ...(maxInFlight !== undefined && { max_in_flight: maxInFlight }),
    ...(rateLimit !== undefined && { rate_limit: rateLimit }),
    ...(rateInterval !== undefined && { rate_interval: `${rateInterval} milliseconds` }),
    ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
    ...(retryDelays !== undefined && { retry_delays_ms: retryDelays }),
    ...(maxAge !== undefined && { max_age: `${maxAge} milliseconds` }),
  }
}

function readEvents(events: readonly string[]): string[] | null {
  if (!events.includes('all')) return events.map((type) => eventUri('--events', type))
  if (events.length > 1) throw new MisuseError('--events all stands alone')
  return null
}
