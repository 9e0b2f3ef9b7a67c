import { test as base, inject } from 'vitest'
import { createDatabase, openPool } from './database.ts'
import { openReceiver, type Receiver, type Respond } from './receiver.ts'

/**
 * vitest's `test`, with what the promises of this project are made about: a `database` of the test's own, and `receiver`,
 * which opens as many partners' endpoints as a test needs. Both are gone when the test is over.
 *
 * @example
 * test('…', async ({ database, receiver }) => {
 *   const bank = await receiver((request, n) => (n === 1 ? 'hang' : { status: 202 }))
 */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  .extend('admin', { scope: 'file' }, async ({}, { onCleanup }) => {
    const admin = openPool(inject('template').adminUrl, 1)
    onCleanup(() => admin.end())
    return admin
  })
  .extend('database', async ({ admin }, { onCleanup }) => {
    const { database, drop } = await createDatabase(admin, inject('template'))
    onCleanup(drop)
    return database
  })
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  .extend('receiver', async ({}, { onCleanup }) => {
    const opened: Receiver[] = []
    onCleanup(async () => {
      await Promise.all(opened.map((receiver) => receiver.close()))
    })
    return async (respond?: Respond): Promise<Receiver> => {
      const receiver = await openReceiver(respond)
      opened.push(receiver)
      return receiver
    }
  })
