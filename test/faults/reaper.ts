import { createInterface } from 'node:readline'

// Ends the workers when the tests end, however those do: a process that was killed runs no hook, but its pipe closes.
// Is told by lines: `+<pid>` of one that was started, `-<pid>` of one that has ended.

const pids = new Set<number>()

createInterface(process.stdin)
  .on('line', (line) => {
    const pid = Number(line.slice(1))
    if (line.startsWith('+')) pids.add(pid)
    else pids.delete(pid)
  })
  .on('close', () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // gone in the meantime
      }
    }
  })
