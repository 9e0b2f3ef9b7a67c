import { createOutbox } from 'risc-outbox'
import { loadSigningKeys } from 'risc-set'
import { db } from './idp.ts'

const keys = await loadSigningKeys(process.env['RISC_SIGNING_KEYS'] ?? '') // a JWK set; see new-keys.ts
const outbox = createOutbox({ issuer: 'https://idp.example/', keys })
const user = 'u-123'

// Once, when the user first signs in at a partner: from now on the partner is told, under the name it knows.
await db.transaction().execute(async (trx) => {
  const subject = { format: 'iss_sub', iss: 'https://idp.example/', sub: '8b1a-at-bank' } as const
  await outbox.link(trx, { user, streamId: 'bank', subject })
})

// Whenever something happens to the user: the change and its signed events commit together, or not at all.
const { deliveries } = await db.transaction().execute(async (trx) => {
  await trx.updateTable('users').set({ disabled: true }).where('id', '=', user).execute()
  return outbox.enqueue(trx, { type: 'account-disabled', user, reason: 'hijacking' })
})

console.log(deliveries) // [{ jti: '…', streamId: 'bank' }]: risc-worker delivers it
await db.destroy()
