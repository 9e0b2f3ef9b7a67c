import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startPostgres } from 'example-local-postgres'

const execute = promisify(execFile)
const FILES = ['first-event.ts', 'idp.ts', 'new-keys.ts']

/** Runs the README's first example in a folder where the packages are installed, on a PostgreSQL of its own. */
export async function runFirstExample(folder: string): Promise<void> {
  for (const file of FILES) {
    await copyFile(fileURLToPath(new URL(`../../examples/first-event/${file}`, import.meta.url)), join(folder, file))
  }
  const postgres = await startPostgres({ settings: { fsync: 'off' } })
  try {
    const run = async (file: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      const options = { cwd: folder, env: { ...process.env, DATABASE_URL: postgres.url, ...env } }
      return (await execute(file, argv, options)).stdout
    }
    const worker = join(folder, 'node_modules', '.bin', 'risc-worker')
    await run(worker, ['migrate'])
    await run(worker, ['stream', 'add', 'bank', '--url', 'https://bank.example/events'])
    const keys = await run(process.execPath, ['new-keys.ts'])
    await run(process.execPath, ['first-event.ts'], { RISC_SIGNING_KEYS: keys })
    const listed = JSON.parse(await run(worker, ['list', '--json'])) as { readonly deliveries: readonly unknown[] }
    if (listed.deliveries.length !== 1) throw new Error(`there is not one delivery but ${listed.deliveries.length}`)
  } finally {
    await postgres.stop()
  }
}
