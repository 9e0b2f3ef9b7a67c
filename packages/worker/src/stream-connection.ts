/** How a stream's receiver is connected to. */
export interface StreamConnection {
  readonly endpointUrl: string
  readonly allowedNetworks: readonly string[]
  readonly allowedPorts: readonly number[]
  readonly tls: StreamTls
}

/** PEM; what is not given is the system's, or nothing. */
export interface StreamTls {
  /** Trusted instead of the system's authorities. */
  readonly caCertificates: string | undefined
  readonly client: { readonly certificate: string; readonly privateKey: string } | undefined
}

/** The columns of `risc.streams` that say so. */
export interface ConnectionRow {
  readonly endpoint_url: string
  readonly allowed_networks: readonly string[]
  readonly allowed_ports: readonly number[]
  readonly ca_certificates: string | null
  readonly client_certificate: string | null
  readonly client_private_key: string | null
}

/** Whether what the one has connected may be used by the other. Asked before every push. */
export function isSameConnection(a: StreamConnection, b: StreamConnection): boolean {
  return (
    a.endpointUrl === b.endpointUrl &&
    isSameList(a.allowedNetworks, b.allowedNetworks) &&
    isSameList(a.allowedPorts, b.allowedPorts) &&
    a.tls.caCertificates === b.tls.caCertificates &&
    a.tls.client?.certificate === b.tls.client?.certificate &&
    a.tls.client?.privateKey === b.tls.client?.privateKey
  )
}

/** Reads a row of `risc.streams`. */
export function toConnection(row: ConnectionRow): StreamConnection {
  return {
    endpointUrl: row.endpoint_url,
    allowedNetworks: row.allowed_networks,
    allowedPorts: row.allowed_ports,
    tls: { caCertificates: row.ca_certificates ?? undefined, client: clientOf(row) },
  }
}

function isSameList<Item>(a: readonly Item[], b: readonly Item[]): boolean {
  return a.length === b.length && a.every((item, place) => item === b[place])
}

function clientOf({
  client_certificate: certificate,
  client_private_key: privateKey,
}: ConnectionRow): StreamTls['client'] {
  return certificate === null || privateKey === null ? undefined : { certificate, privateKey }
}
