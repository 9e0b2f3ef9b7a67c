import { type Command, Option } from 'commander'
import { duration } from '../argument.ts'

const MAX_DAYS = 90
const DAY_MS = 86_400_000

/** Adds the option that says for how long a receiver may verify again what it accepted; 0s is a duration too. */
export function addRecentOption(command: Command): Command {
  const option = new Option('--recent <duration>', 'how long an accepted SET still needs its key')
  return command.addOption(option.argParser(duration(MAX_DAYS, 0)).default(DAY_MS, '24h'))
}
