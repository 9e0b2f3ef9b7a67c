import { eventUris } from 'risc-set'
import type { TokenRequest } from '../oauth-request.ts'
import { formatDuration } from './duration.ts'
import type { Stream } from './queries/streams.ts'

/** Writes a stream's settings for people, by the names and in the form that `stream set` takes them. */
export function describeSettings(stream: Stream): Readonly<Record<string, string>> {
  return {
    url: stream.endpoint_url,
    'allow-network': stream.allowed_networks.join(',') || 'none',
    'allow-port': stream.allowed_ports.join(',') || 'none',
    ca: stream.ca_certificates_digest ?? 'none',
    'client-certificate': stream.client_certificate_digest ?? 'none',
    profile: stream.profile,
    audience: stream.audience.join(','),
    events: stream.events_requested?.map(shortName).join(',') ?? 'all',
    ordering: stream.ordering,
    'max-in-flight': `${stream.max_in_flight}`,
    'rate-limit': `${stream.rate_limit}`,
    'rate-interval': formatDuration(stream.rate_interval_seconds * 1000),
    'timeout-ms': `${stream.timeout_ms}`,
    'retry-delays': stream.retry_delays_ms.map(formatDuration).join(',') || 'none',
    'max-age': formatDuration(stream.max_age_seconds * 1000),
    authorization: stream.has_authorization ? 'set' : 'none',
    ...describeTokenRequest(stream.token_request),
    'encrypt-to': stream.encryption_kid ?? 'none',
  }
}

function describeTokenRequest(request: TokenRequest | null): Readonly<Record<string, string>> {
  if (request === null) return { 'oauth-token-url': 'none' }
  return {
    'oauth-token-url': request.token_endpoint,
    'oauth-client-id': request.client_id,
    'oauth-client-authentication': request.client_authentication,
    'oauth-scope': request.scope ?? 'none',
    'oauth-resource': request.resource ?? 'none',
    'oauth-audience': request.audience ?? 'none',
  }
}

const SHORT_NAMES = new Map<string, string>(Object.entries(eventUris).map(([name, uri]) => [uri, name]))

function shortName(uri: string): string {
  return SHORT_NAMES.get(uri) ?? uri
}
