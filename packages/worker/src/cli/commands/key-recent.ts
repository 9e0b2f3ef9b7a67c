import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../duration.ts'

const MAX_DAYS = 90
const DAY_MS = 86_400_000

/** Adds the option that says for how long a receiver may verify again what it accepted. */
export function addRecentOption(command: Command): Command {
  const option = new Option('--recent <duration>', 'how long an accepted SET still needs its key')
  return command.addOption(option.argParser(recent).default(DAY_MS, '24h'))
}

/** As other durations, but 0s is one too. */
function recent(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms <= MAX_DAYS * DAY_MS) return ms
  throw new InvalidArgumentError(`It must be a duration such as 0s, 10m, 24h or 3d, at most ${MAX_DAYS}d.`)
}
