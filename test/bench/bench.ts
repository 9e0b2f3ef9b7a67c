const benches: Readonly<Record<string, () => Promise<{ run(): Promise<void> }>>> = {
  enqueue: () => import('./enqueue.ts'),
  deliver: () => import('./deliver.ts'),
  sign: () => import('./sign.ts'),
}

const bench = benches[process.argv[2] ?? '']
if (bench === undefined) {
  console.error(`usage: pnpm bench ${Object.keys(benches).join('|')}`)
  process.exitCode = 64
} else {
  await (await bench()).run()
}
