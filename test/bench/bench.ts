const benches: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  enqueue: () => import('./enqueue.ts'),
  deliver: () => import('./deliver.ts'),
  isolation: () => import('./isolation.ts'),
  redrive: () => import('./redrive.ts'),
  passes: () => import('./passes.ts'),
  sign: () => import('./sign.ts'),
}

const bench = benches[process.argv[2] ?? '']
if (bench === undefined) {
  console.error(`usage: pnpm bench ${Object.keys(benches).join('|')}`)
  process.exitCode = 64
} else {
  await (await bench()).run(process.argv.slice(3))
}
