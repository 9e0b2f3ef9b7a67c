import { describe, expect, test } from 'vitest'
import { createProgram } from '../../../packages/worker/src/cli/main.ts'
import { runCommand } from './command.ts'
import { type Command, DEAF, LEAVES, leaves, NOWHERE } from './leaves.ts'

/** What these print is no data: a worker's log, which is JSON already, and a script. */
const WITHOUT_JSON = ['run', 'completion', 'receive']

/** The options that a command cannot do without. */
function requiredOf(command: Command): string[] {
  return command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [`${long}`, '1'])
}

/** The command lines of a help text, as words; without what a shell does with their output. */
function examplesOf(help: string): string[][] {
  const [, examples = ''] = help.split('\nExamples:\n')
  return examples
    .replaceAll('\\\n', '')
    .split('\n')
    .flatMap((line) => [...(/^ {2}\$ .*?risc-worker (.*)$/.exec(line)?.slice(1) ?? [])])
    .map((line) => [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word))
    .map((words) => words.slice(0, words.findIndex((word) => /^[|>#]/.test(word)) >>> 0))
    .map((words) => words.map((word) => word.replaceAll(/['"]|\)$/g, '')))
}

/** Parses a command line and does nothing. */
async function parse(words: readonly string[]): Promise<void> {
  const program = createProgram(DEAF)
  for (const { command } of leaves(program)) command.action(() => undefined)
  await program.parseAsync([...words], { from: 'user' })
}

test('the commands are found', () => {
  expect(LEAVES.map(({ name }) => name)).toEqual(expect.arrayContaining(['run', 'status', 'stream add', 'key retire']))
})

describe.each(LEAVES)('$name', ({ name, words, command }) => {
  test('--help goes to stdout, has examples, and fits 80 columns', async () => {
    const { code, stdout, stderr } = await runCommand([...words, '--help'], {})
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('\nExamples:\n  $ ')
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  test('each example of --help is a command line that it takes', async () => {
    const { stdout } = await runCommand([...words, '--help'], {})
    const examples = examplesOf(stdout)
    expect(examples.length).toBeGreaterThan(0)
    expect(examples.some((example) => example.join(' ').startsWith(name))).toBe(true)
    for (const example of examples) await expect(parse(example), example.join(' ')).resolves.toBeUndefined()
  })

  if (!WITHOUT_JSON.includes(name))
    test('prints its data with --json', () => {
      expect(command.options.map(({ long }) => long)).toContain('--json')
    })

  test('an option that there is not is misuse, and the one that was meant is named', async () => {
    const { code, stdout, stderr } = await runCommand([...words, ...requiredOf(command), '--hlep'], NOWHERE)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^risc-worker: unknown option '--hlep'\n\(Did you mean --help\?\)\n/)
  })

  const takesMany = command.registeredArguments.some(({ variadic }) => variadic)
  if (!takesMany)
    test('an argument too many is misuse', async () => {
      const { registeredArguments } = command
      const enough = registeredArguments.map(({ argChoices }) => argChoices?.[0] ?? 'a')
      const argv = [...words, ...requiredOf(command), ...enough, 'more']
      const { code, stdout, stderr } = await runCommand(argv, NOWHERE)
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
      expect(stderr).toMatch(/^risc-worker: too many arguments/)
    })

  const requiresOne = command.registeredArguments.some(({ required }) => required)
  if (requiresOne)
    test('an argument too few is misuse', async () => {
      const { code, stdout, stderr } = await runCommand([...words, ...requiredOf(command)], NOWHERE)
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
      expect(stderr).toMatch(/^risc-worker: missing required argument '\w+'\n/)
    })
})

test.each(['', 'stream', 'key', 'redrive'])(
  'risc-worker %s alone is misuse and shows on stderr what there is',
  async (group) => {
    const { code, stdout, stderr } = await runCommand(
      group.split(' ').filter((word) => word !== ''),
      {},
    )
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^Usage: risc-worker /)
    expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([])
  },
)

test.each([
  ['statu', 'status'],
  ['stream lst', 'list'],
  ['complete', 'completion'],
])('risc-worker %s: did you mean %s?', async (words, meant) => {
  const { code, stderr } = await runCommand(words.split(' '), NOWHERE)
  expect(code).toBe(64)
  expect(stderr).toContain(`(Did you mean ${meant}?)`)
})

test('the prose of --help is as wide as the terminal, but never so wide that it is tiring', async () => {
  const widest = async (columns: number) => {
    let help = ''
    const stdout = { isTTY: true, columns, write: (text: string) => (help += text) }
    await runCommand(['status', '--help'], {}, { stdout })
    return Math.max(...help.split('\n').map((line) => (line.startsWith(' ') ? 0 : line.length)))
  }
  expect(await widest(60)).toBeLessThanOrEqual(60)
  expect(await widest(300)).toBeGreaterThan(80)
  expect(await widest(300)).toBeLessThanOrEqual(100)
})
