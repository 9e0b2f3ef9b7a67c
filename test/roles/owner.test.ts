import { migrate } from 'risc-worker'
import { expect } from 'vitest'
import { openPool } from '../support/database.ts'
import { test as empty } from '../worker/empty-database.ts'
import { addDeliveries, addStream } from '../worker/rows.ts'
import { startTestWorker, testConfig } from '../worker/started-worker.ts'

const test = empty.extend('ordinary', async ({ admin, empty: { name, url } }, { onCleanup }) => {
  const [owner, worker] = ['owner', 'worker'].map((role) => {
    const as = new URL(url)
    as.username = `${name}_${role}`
    as.password = 'secret'
    return { name: as.username, url: as.href }
  }) as [{ name: string; url: string }, { name: string; url: string }]
  for (const role of [owner, worker]) await admin.query(`create role ${role.name} login password 'secret'`)
  await admin.query(`grant create on database ${name} to ${owner.name}`)
  const pool = openPool(url)
  onCleanup(async () => {
    await pool.query(`drop owned by ${owner.name}, ${worker.name} cascade; drop role ${owner.name}, ${worker.name}`)
    await pool.end()
  })
  return { owner, worker }
})

test('an owner without any privilege of the server migrates and grants, and a worker of another role delivers', async ({
  empty: { pool },
  ordinary: { owner, worker },
  receiver,
}) => {
  await migrate(owner.url, [{ grant: 'work', role: worker.name }])
  const bank = await receiver()
  await addStream(pool, { id: 'bank', endpoint_url: bank.url, credential: 'Bearer s3cret' })
  const started = startTestWorker({ ...testConfig, databaseUrl: worker.url })
  try {
    await addDeliveries(pool, 'bank', 3)
    await bank.received(3)
  } finally {
    await started.stop()
  }
  expect((await pool.query('select from risc.history')).rowCount).toBe(3)
})
