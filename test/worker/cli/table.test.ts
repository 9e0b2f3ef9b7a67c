import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { type Cell, formatTable } from '../../../packages/worker/src/cli/table.ts'

const HEAD = ['JTI', 'STREAM', 'ATTEMPTS', 'LAST ANSWER']
const JTI = '5f2c0f6be6a64b6d8b1f0a7e2f6d9c11'

const row: fc.Arbitrary<Cell[]> = fc.tuple(
  fc.constant(JTI),
  fc.string({ minLength: 1, maxLength: 64 }),
  fc.nat(99_999),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
)

test('where there is no terminal nothing is cut, however long', () => {
  const long = 'x'.repeat(5000)
  expect(formatTable(['A', 'B'], [[long, 1]], { terminal: { colours: false }, cut: ['A'] })).toContain(long)
  expect(formatTable(['A', 'B'], [[long, 1]])).toContain(long)
})

test('on a terminal no line is longer, no jti is cut, and every row has its line', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), fc.integer({ min: 32, max: 200 }), (rows, columns) => {
      const table = formatTable(HEAD, rows, { terminal: { columns, colours: false }, cut: ['STREAM', 'LAST ANSWER'] })
      const lines = table.split('\n').slice(0, -1)
      expect(lines).toHaveLength(rows.length + 1)
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns)
      for (const line of lines.slice(1)) expect(line.startsWith(JTI)).toBe(true)
    }),
  )
})

test('the widest of the columns that may be cut is cut first, with an ellipsis', () => {
  const table = formatTable(HEAD, [[JTI, 'partner-a', 3, 'the service is unavailable until tomorrow morning']], {
    terminal: { columns: 80, colours: false },
    cut: ['STREAM', 'LAST ANSWER'],
  })
  expect(table).toBe(
    [
      'JTI                               STREAM     ATTEMPTS  LAST ANSWER',
      `${JTI}  partner-a         3  the service is unavailab…`,
      '',
    ].join('\n'),
  )
})

test('columns on the right that have no room even when cut are left out', () => {
  const table = formatTable(HEAD, [[JTI, 'partner-a', 3, 'service unavailable']], {
    terminal: { columns: 47, colours: false },
    cut: ['STREAM', 'LAST ANSWER'],
  })
  expect(table).toBe(`JTI                               STREAM\n${JTI}  partner-a\n`)
})

test('colours change nothing but the colour', () => {
  const rows = [
    [
      { text: 'paused (a long reason)', colour: 'yellow' as const },
      { text: 2, colour: 'red' as const },
    ],
  ]
  const look = (colours: boolean) =>
    formatTable(['STATUS', 'DEAD'], rows, { terminal: { columns: 20, colours }, cut: ['STATUS'] })
  expect(look(true)).not.toBe(look(false))
  expect(stripVTControlCharacters(look(true))).toBe(look(false))
})
