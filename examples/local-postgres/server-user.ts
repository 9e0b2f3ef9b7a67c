import { run } from './run.ts'

/** Whom to run PostgreSQL as, in the words of `spawn`. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** Finds an unprivileged user, as root is refused by PostgreSQL. `undefined` when the current user will do. */
export async function findServerUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return (await lookUp('postgres')) ?? (await lookUp('nobody'))
}

/** Makes `folder` and what it holds the user's. */
export async function giveTo(user: ServerUser | undefined, folder: string): Promise<void> {
  if (user) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder])
}

async function lookUp(name: string): Promise<ServerUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}
