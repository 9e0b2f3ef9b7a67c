import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findBinaries } from './binaries.ts'
import { freePort } from './free-port.ts'
import type { LocalPostgresOptions } from './index.ts'
import { memoryFolder } from './memory-folder.ts'
import { run } from './run.ts'
import { findServerUser, giveTo, type ServerUser } from './server-user.ts'

// Stands between a caller and its PostgreSQL: prints the URL, and when its stdin ends stops the server and removes
// everything. A process of its own, because a pipe closes even when the caller is killed, and no exit hook runs then.
// Until then stdin has orders, each answered by one line when it is done: `fast` and `immediate` halt the server,
// `resume` starts it again.

const LOG_LINES_KEPT = 30

const { settings = {}, durable = false, network, logFile }: LocalPostgresOptions = JSON.parse(process.argv[2] ?? '{}')

const stopping = new AbortController()
const orders = createInterface(process.stdin).once('close', () => stopping.abort())
process.once('SIGTERM', () => stopping.abort())

const folders: string[] = []
try {
  await serve(stopping.signal)
} catch (error) {
  if (!stopping.signal.aborted) {
    process.stderr.write(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
} finally {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, maxRetries: 10 })))
  process.stdin.destroy()
}

/** Returns when the server has been told to stop and has done so. */
async function serve(signal: AbortSignal): Promise<void> {
  const user = await findServerUser()
  const home = await makeFolder(durable ? tmpdir() : ((await memoryFolder()) ?? tmpdir()))
  const { initdb, postgres } = await findBinaries(user, () => makeFolder(tmpdir()))

  const password = randomBytes(16).toString('hex')
  const [data, passwordFile] = [join(home, 'data'), join(home, 'password')]
  await writeFile(passwordFile, password, { mode: 0o600 })
  await giveTo(user, home)
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const locale = ['--encoding=UTF8', '--no-locale'] // whatever the caller's environment says, or does not
  const memory = ['--set=dynamic_shared_memory_type=mmap'] // in files of ours, which even a killed server cannot leave
  await run(initdb, [`--pgdata=${data}`, ...access, ...locale, ...memory, '--no-sync'], { ...user, cwd: home, signal })
  if (network) await appendFile(join(data, 'pg_hba.conf'), `host all all ${network.clients} scram-sha-256\n`)

  const address = network?.address ?? '127.0.0.1'
  const port = await freePort(address)
  signal.throwIfAborted()
  const url = `postgres://postgres:${password}@${address}:${port}/postgres`
  const flags = Object.entries({ ...settings, listen_addresses: address, port, unix_socket_directories: '' })
  const program = [postgres, '-D', data, ...flags.map(([name, value]) => `--${name}=${value}`)]
  while (!signal.aborted) {
    await runOnce(program, { ...user, cwd: home, signal, onReady: () => process.stdout.write(`${url}\n`) })
    if (signal.aborted) return
    process.stdout.write('halted\n')
    await once(orders, 'line', { signal }).catch(() => undefined) // `resume`, or the end
  }
}

interface Run extends Partial<ServerUser> {
  readonly cwd: string
  readonly signal: AbortSignal
  readonly onReady: () => void
}

/** Returns when the server was told to halt or to stop and has done so; throws the end of its log if it was not. */
async function runOnce(
  [program = '', ...args]: readonly string[],
  { signal, onReady, ...options }: Run,
): Promise<void> {
  const server = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  let told = false
  const shutDown = (how: 'SIGINT' | 'SIGQUIT'): void => {
    told = true
    server.kill(how)
  }
  const stop = (): void => shutDown('SIGINT') // a fast shutdown
  const halt = (order: string): void => shutDown(order === 'immediate' ? 'SIGQUIT' : 'SIGINT')
  signal.addEventListener('abort', stop)
  orders.on('line', halt)

  if (logFile !== undefined) server.stderr.pipe(createWriteStream(logFile, { flags: 'a' }))
  const log: string[] = []
  createInterface(server.stderr).on('line', (line) => {
    log.push(line)
    if (log.length > LOG_LINES_KEPT) log.shift()
    if (line.endsWith('ready to accept connections')) onReady()
  })
  await once(server, 'close')
  signal.removeEventListener('abort', stop)
  orders.off('line', halt)
  if (!told) throw new Error(log.join('\n'))
}

async function makeFolder(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, 'local-postgres-'))
  folders.push(folder)
  return folder
}
