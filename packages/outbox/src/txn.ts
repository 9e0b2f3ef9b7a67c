import { newJti } from 'risc-set'

/** Names one call's cause (SSF 1.0 §4.1.9), as SETs are named. */
export function newTxn(): string {
  return newJti()
}
