import { type RawBuilder, sql } from 'kysely'
import type { Moment } from '../moment.ts'

/** A moment for a statement: how long ago is told by the database's clock. */
export function at(moment: Moment): RawBuilder<Date> {
  if ('at' in moment) return sql<Date>`${moment.at}::timestamptz`
  return sql<Date>`now() - ${moment.agoMs}::float8 * interval '1 millisecond'`
}
