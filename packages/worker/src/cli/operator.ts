import type { World } from './world.ts'

/** Who gives the command, as far as the machine knows, for those who ask later. */
export function operator({ env, hostname }: World): string {
  return `${env['USER'] || env['LOGNAME'] || 'somebody'}@${hostname}`.slice(0, 200)
}
