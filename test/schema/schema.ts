import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { dumpSchema } from './dump-schema.ts'

// `pnpm schema` writes schema.sql beside the migrations; `pnpm schema --check` fails unless it is what they make.

const {
  values: { check, migrations },
} = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    migrations: { type: 'string', default: fileURLToPath(new URL('../../migrations', import.meta.url)) },
  },
})

const dump = await dumpSchema(migrations)
const file = `${migrations}/schema.sql`

if (check) {
  const diff = spawnSync('git', ['diff', '--no-index', '--', file, '-'], { input: dump, encoding: 'utf8' })
  if (diff.status !== 0) {
    console.error(`${diff.stdout}${diff.stderr}schema.sql is not what the migrations make: run \`pnpm schema\``)
    process.exitCode = 1
  }
} else {
  await writeFile(file, dump)
}
