import type { TestProject } from 'vitest/node'
import { openPostgres } from './postgres.ts'
import { findLoggedSecrets } from './server-log.ts'
import { createTemplate, type Template } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** What every test copies its database from. */
    readonly template: Template
  }
}

/** Opens PostgreSQL and migrates one database, which the tests copy. Returns how to leave nothing behind. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await openPostgres(process.env)
  try {
    const { template, remove } = await createTemplate(postgres.url)
    project.provide('template', template)
    return async () => {
      const removed = remove()
      const log = await removed.then(postgres.stop, postgres.stop)
      await removed
      const secrets = findLoggedSecrets(log)
      if (secrets.length > 0) throw new Error(`secrets came out in the server's log:\n${secrets.join('\n')}`)
    }
  } catch (error) {
    await postgres.stop()
    throw error
  }
}
