import type { Enqueued } from 'risc-outbox'
import { LastAdministratorError } from './idp/user-changes.ts'
import { print } from './print.ts'
import type { Stage } from './stage.ts'
import type { Scene } from './story.ts'

/** Lets one scene happen. Returns what its commit made owed, which is nothing where it rolls back as it should. */
export async function happen(
  { title, act, rollsBack = false }: Scene,
  { idp, arrivals }: Stage,
): Promise<Enqueued['deliveries']> {
  try {
    const { txn, deliveries } = await act(idp)
    arrivals.committed(deliveries.map(({ jti }) => jti))
    print('COMMIT', `${title} (txn ${txn.slice(-8)}, SETs: ${deliveries.length})`, 'bold')
    return deliveries
  } catch (error) {
    if (!rollsBack || !(error instanceof LastAdministratorError)) throw error
    print('ROLLBACK', `${title} (nobody may ever hear of it)`, 'bold')
    return []
  }
}
