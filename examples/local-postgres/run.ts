import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a program to its end. Rejects with what it wrote to stderr unless it succeeds. */
export const run: typeof execFile.__promisify__ = promisify(execFile)
