import { statfs } from 'node:fs/promises'

const MEMORY = '/dev/shm'
const ROOM_NEEDED = 2 ** 30 // containers often have 64 MB, which a few databases fill

/** The folder of files that live in memory, if this system has one with room; databases are made there in half the time. */
export async function memoryFolder(): Promise<string | undefined> {
  const room = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return room >= ROOM_NEEDED ? MEMORY : undefined
}
