import type { GrantName } from 'risc-worker'
import { migrate } from 'risc-worker'
import { test as base } from '../worker/started-worker.ts'

/** A role that can log in, and the URL by which it does. */
export interface TestRole {
  readonly name: string
  readonly url: string
}

/** The project's `test` with a role for each grant, and `nobody`, who has none. */
export const test = base.extend('roles', async ({ database }, { onCleanup }) => {
  const prefix = new URL(database.url).pathname.slice(1)
  const [enqueue, work, inspect, nobody] = ['enqueue', 'work', 'inspect', 'nobody'].map((name) => {
    const url = new URL(database.url)
    url.username = `${prefix}_${name}`
    url.password = 'secret'
    return { name: url.username, url: url.href }
  }) as [TestRole, TestRole, TestRole, TestRole]
  const roles: Readonly<Record<GrantName | 'nobody', TestRole>> = { enqueue, work, inspect, nobody }
  const names = Object.values(roles).map(({ name }) => name)
  for (const name of names) await database.query(`create role ${name} login password 'secret'`)
  onCleanup(async () => {
    await database.query(`drop owned by ${names}; drop role ${names}`)
  })
  await migrate(
    database.url,
    (['enqueue', 'work', 'inspect'] as const).map((grant) => ({ grant, role: roles[grant].name })),
  )
  return roles
})
