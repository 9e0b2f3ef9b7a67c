import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type { Insertable } from 'kysely'
import type { StreamTable } from 'risc-outbox'
import { checkAllowedNetwork } from '../address-policy.ts'
import { isKeyOfCertificate } from '../client-key.ts'
import type { NetworkConfig } from '../config.ts'
import { bindClientKey } from '../credential-binding.ts'
import type { CredentialKeys } from '../credential-keys.ts'
import { endpointRules, judgeEndpoint } from '../endpoint.ts'
import { errorCode } from '../error-code.ts'
import { createResolver } from '../resolver.ts'
import { listOrNone, wholeNumber } from './argument.ts'
import { MisuseError } from './command-error.ts'
import { type GivenSecret, type SecretReference, secretReference, storeSecret } from './credential-options.ts'

/** How a stream's receiver is connected to, as a command line says it. */
export interface ConnectionOptions {
  readonly allowNetwork?: string[]
  readonly allowPort?: number[]
  /** `false` by `--no-ca`. */
  readonly ca?: string | false
  /** `false` by `--no-client-certificate`. */
  readonly clientCertificate?: string | false
  readonly clientKey?: string
  readonly clientKeyReference?: SecretReference
}

/** Whose client key it is, and what seals it. */
export interface ClientKeySealing {
  readonly streamId: string
  readonly keys: CredentialKeys
}

type ConnectionColumns = Pick<
  Insertable<StreamTable>,
  'allowed_networks' | 'allowed_ports' | 'ca_certificates' | 'client_certificate' | 'client_private_key'
>

type EndpointColumns = Pick<Insertable<StreamTable>, 'endpoint_url' | 'allowed_networks' | 'allowed_ports'>

const RESOLVE_WITHIN_MS = 2000
const LARGEST = { ca: 32_768, client: 16_384 }

/** Adds the options that {@link readConnectionColumns} reads. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option(
      '--allow-network <cidr,…>',
      'private networks that its name may lead to, as 10.20.0.0/16, or none',
      listOrNone(network),
    )
    .option('--allow-port <port,…>', 'ports besides 443, or none', listOrNone(wholeNumber(1, 65_535)))
    .option('--ca <file>', 'PEM certificates of the authorities to trust instead of the system’s')
    .option('--client-certificate <file>', 'the PEM certificate to show to the receiver, and its chain')
    .option('--client-key <file>', 'its private key, PEM, without a passphrase, to be sealed')
    .option('--client-key-reference <where>', 'where workers find that private key', secretReference)
}

/**
 * Reads the options as columns, and the files that they name; those that were not given are left out. Messages never quote
 * what a file holds.
 */
export async function readConnectionColumns(
  options: ConnectionOptions,
  sealing: ClientKeySealing,
): Promise<ConnectionColumns> {
  const { allowNetwork, allowPort, ca } = options
  return {
    ...(allowNetwork !== undefined && { allowed_networks: allowNetwork }),
    ...(allowPort !== undefined && { allowed_ports: allowPort }),
    ...(ca === false && { ca_certificates: null }),
    ...(typeof ca === 'string' && { ca_certificates: await readCertificates('--ca', ca, LARGEST.ca) }),
    ...(await readClient(options, sealing)),
  }
}

/**
 * Refuses a URL that could not be pushed to, judging every address that its name has now. A name that cannot be resolved
 * from here, or not yet, is let pass: workers judge it again before every push.
 *
 * @param option what it is said by
 */
export async function requireEndpoint(
  { endpoint_url, allowed_networks = [], allowed_ports = [] }: EndpointColumns,
  network: NetworkConfig,
  option = '--url',
): Promise<void> {
  const rules = endpointRules({ allowedNetworks: allowed_networks, allowedPorts: allowed_ports }, network)
  const lookUp = { resolve: createResolver(network), withinMs: RESOLVE_WITHIN_MS }
  const endpoint = await judgeEndpoint(endpoint_url, rules, lookUp)
  if (endpoint.kind === 'blocked') throw new MisuseError(`${option} ${endpoint.problem}`)
}

function network(text: string): string {
  const problem = checkAllowedNetwork(text)
  if (problem !== undefined) throw new InvalidArgumentError(problem)
  return text
}

async function readClient(
  { clientCertificate: certificate, clientKey: key, clientKeyReference: reference }: ConnectionOptions,
  { streamId, keys }: ClientKeySealing,
): Promise<ConnectionColumns> {
  if (key !== undefined && reference !== undefined) {
    throw new MisuseError('give only one of --client-key and --client-key-reference')
  }
  const isKeyGiven = key !== undefined || reference !== undefined
  if (certificate === false && !isKeyGiven) return { client_certificate: null, client_private_key: null }
  if (certificate === undefined && !isKeyGiven) return {}
  if (!certificate || !isKeyGiven) {
    throw new MisuseError('--client-certificate and --client-key (or --client-key-reference) need each other')
  }
  const client_certificate = await readCertificates('--client-certificate', certificate, LARGEST.client)
  const given: GivenSecret =
    reference === undefined
      ? { kind: 'value', value: await readClientKey(key ?? '', client_certificate) }
      : { kind: 'reference', ...reference }
  return { client_certificate, client_private_key: await storeSecret(given, bindClientKey(streamId), keys) }
}

async function readClientKey(file: string, certificate: string): Promise<string> {
  const privateKey = await readText('--client-key', file)
  if (!isKeyOfCertificate({ certificate, privateKey })) {
    throw new MisuseError('--client-key is no private key of the certificate that can be read without a passphrase')
  }
  return privateKey
}

/** Only the certificates are kept, not what people write between them. */
async function readCertificates(option: string, file: string, largest: number): Promise<string> {
  const text = await readText(option, file)
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0 || !found.every(isCertificate))
    throw new MisuseError(`${option} is no file of PEM certificates`)
  const bundle = `${found.join('\n')}\n`
  if (bundle.length > largest) throw new MisuseError(`${option} holds more than ${largest} bytes of certificates`)
  return bundle
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 !== ''
  } catch {
    return false
  }
}

async function readText(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new MisuseError(`${option} cannot be read: ${errorCode(error)}`)
  }
}
