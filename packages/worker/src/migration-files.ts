import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { escapeIdentifier } from 'pg'

/** A released migration: plain SQL under a name that gives its place in the order. */
export interface MigrationFile {
  readonly name: string
  readonly text: string
}

/** The schema that graphile-worker keeps its tables in. */
export const GRAPHILE_WORKER_SCHEMA = 'risc_worker'

/** Reads our migrations, oldest first. */
export function readMigrations(): MigrationFile[] {
  // In the packed package first: from within node_modules, the other path leads into somebody else's project.
  const packed = new URL('../migrations/', import.meta.url)
  const directory = existsSync(packed) ? packed : new URL('../../../migrations/', import.meta.url)
  return readSqlFiles(directory, /^\d{4}_\w+\.sql$/)
}

/** Reads graphile-worker's migrations, oldest first, for its schema {@link GRAPHILE_WORKER_SCHEMA}. */
export function readGraphileWorkerMigrations(): MigrationFile[] {
  const entry = createRequire(import.meta.url).resolve('graphile-worker') // import.meta.resolve is missing in vite
  const directory = new URL('../sql/', pathToFileURL(entry))
  return readSqlFiles(directory, /^\d{6}\.sql$/).map(({ name, text }) => ({
    name,
    text: text.replaceAll(/:GRAPHILE_WORKER_SCHEMA\b/g, escapeIdentifier(GRAPHILE_WORKER_SCHEMA)), // as it does itself
  }))
}

/** How graphile-worker itself tells which of its migrations older versions cannot work with. */
export function isBreaking(migration: MigrationFile): boolean {
  return migration.text.startsWith('--! breaking')
}

function readSqlFiles(directory: URL, pattern: RegExp): MigrationFile[] {
  return readdirSync(directory)
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => ({ name: file.replace(/\.sql$/, ''), text: readFileSync(new URL(file, directory), 'utf8') }))
}
