import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pgDump } from '@electric-sql/pglite-tools/pg_dump'

/**
 * Writes as SQL what the migrations in `directory` make of an empty database, by the real pg_dump in WebAssembly.
 *
 * graphile-worker's schema is not made: our functions name it in bodies alone, which PostgreSQL reads when they run.
 */
export async function dumpSchema(directory: string): Promise<string> {
  const files = (await readdir(directory)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort()
  const db = await PGlite.create()
  try {
    for (const file of files) await db.exec(await readFile(join(directory, file), 'utf8'))
    const dump = await pgDump({ pg: db, args: ['--schema-only', '--schema=risc', '--no-owner'] })
    return withoutVersion(await dump.text())
  } finally {
    await db.close()
  }
}

/** Drops what tells of the pg_dump rather than of the schema. */
function withoutVersion(dump: string): string {
  const lines = dump.split('\n').filter((line) => !/^(SET |SELECT pg_catalog\.set_config|-- Dumped |\\)/.test(line))
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`
}
