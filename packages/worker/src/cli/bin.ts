#!/usr/bin/env node
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { main } from './main.ts'

// A reader that has seen enough, as in `risc-worker list | head`, is no failure; a worker's lost log is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(process.argv[2] === 'run' ? 1 : 0)
})

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => text(process.stdin),
  hostname: hostname(),
  pid: process.pid,
  onSignal: (listener) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, listener)
  },
  onResize: (listener) => {
    process.stdout.on('resize', listener)
  },
  onKey: (listener) => {
    const { stdin } = process
    if (!stdin.isTTY) return () => undefined
    const hear = (keys: Buffer) => listener(keys.toString())
    stdin.setRawMode(true).on('data', hear)
    return () => {
      stdin.off('data', hear).setRawMode(false).pause()
    }
  },
  onUnhandledRejection: (listener) => {
    process.on('unhandledRejection', listener)
  },
  exit: (code) => {
    process.exit(code)
  },
})
