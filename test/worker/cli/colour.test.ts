import { expect, test } from 'vitest'
import { showsColours } from '../../../packages/worker/src/cli/colour.ts'
import { terminalOf } from '../../../packages/worker/src/cli/terminal.ts'

const write = (): undefined => undefined

test.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
])('a terminal: %j, with %j: colours: %j', (isTTY, env, colours) => {
  expect(showsColours({ isTTY, write }, env)).toBe(colours)
})

test('a terminal that does not know its size is taken for one of 80 by 24', () => {
  const stdout = { isTTY: true, columns: 0, rows: 0, write }
  expect(terminalOf({ stdout, env: {} })).toEqual({ columns: 80, rows: 24, colours: true })
})
