import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A host of the test: a network namespace with an address of its own, made by `run.sh`. */
export type Host = 'db' | 'receivers' | WorkerHost

export type WorkerHost = (typeof WORKER_HOSTS)[number]

export const WORKER_HOSTS = ['worker-1', 'worker-2', 'worker-3'] as const

/** The addresses of all hosts, as PostgreSQL wants them. */
export const SUBNET: string = setting('HOSTS_SUBNET')

const RUN = setting('HOSTS_RUN')
const ADDRESSES = new Map(
  setting('HOSTS_ADDRESSES')
    .split(/\s+/)
    .map((line) => line.split('=') as [string, string]),
)
const NETWORK = fileURLToPath(new URL('network.sh', import.meta.url))
const execute = promisify(execFile)

export function addressOf(host: Host): string {
  const address = ADDRESSES.get(host)
  if (address === undefined) throw new Error(`run.sh has made no host ${host}`)
  return address
}

/** Runs a script of Node's on a host. */
export function spawnOn(host: Host, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn('ip', ['netns', 'exec', `risc-hosts-${RUN}-${host}`, process.execPath, ...args], options)
}

/** From now on whatever `host` and each of the `others` send each other vanishes, and nobody is told. */
export async function cut(host: Host, others: readonly Host[]): Promise<void> {
  for (const other of others) await execute('bash', [NETWORK, 'cut', RUN, host, other])
}

/** Undoes {@link cut}. */
export async function mend(host: Host, others: readonly Host[]): Promise<void> {
  for (const other of others) await execute('bash', [NETWORK, 'mend', RUN, host, other])
}

function setting(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: start this by \`pnpm test:hosts\``)
  return value
}
