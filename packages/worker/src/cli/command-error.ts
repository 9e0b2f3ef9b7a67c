/** The command line makes no sense; the process exits 64 (`EX_USAGE` of sysexits.h). */
export class MisuseError extends Error {}

/** The command was understood and could not be done; the process exits 1. */
export class CommandFailedError extends Error {}
