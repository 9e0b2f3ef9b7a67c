import { fileURLToPath } from 'node:url'

/** The program `risc-worker`, from its sources. */
export const WORKER_BIN: string = fileURLToPath(new URL('bin.ts', new URL('cli/', import.meta.resolve('risc-worker'))))
