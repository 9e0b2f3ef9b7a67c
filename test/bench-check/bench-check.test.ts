import { expect, test } from 'vitest'
import { shareByPlace } from '../bench/cpu-profile.ts'
import { markdownTable, textTable, verdictText } from '../bench/findings.ts'
import { growthOf } from '../bench/growth.ts'
import { readOptions, usage } from '../bench/part.ts'
import { drawPlot } from '../bench/plot.ts'
import { cpuBetween } from '../bench/process-usage.ts'
import { promises } from '../bench/promises.ts'
import { putBetween } from '../bench/report.ts'

const part = { name: 'deliver', options: { rounds: 5, deliveries: 1000 }, quick: { deliveries: 10 } }

test('options are whole numbers greater than zero, --quick is small, and what is given goes before both', () => {
  expect(readOptions(part, [])).toEqual({ rounds: 5, deliveries: 1000 })
  expect(readOptions(part, ['--quick', '--rounds', '2'])).toEqual({ rounds: 2, deliveries: 10 })
  for (const args of [['--rounds', '0'], ['--rounds', 'x'], ['--rouns', '2'], ['2']]) {
    expect(readOptions(part, args)).toBeUndefined()
  }
  expect(usage(part)).toBe('usage: pnpm bench deliver [--rounds 5] [--deliveries 1000] [--quick]')
})

test('a figure is shown with its spread, and one that is missing as a dash', () => {
  const spread = { median: 2, min: 1, max: 3 }
  const table = {
    caption: 'rates',
    columns: [{ name: 'a' }, { name: 'b', digits: 1 }],
    rows: [
      ['x', spread],
      ['y', null],
    ],
  }
  expect(textTable(table)).toBe('rates\na  b\nx  2.0 (1.0 … 3.0)\ny  –')
  const missing = { ...table, rows: [['x', JSON.parse(JSON.stringify({ median: Number.NaN, min: 1, max: 1 }))]] }
  expect(textTable(missing)).toBe('rates\na  b\nx  –')
  expect(markdownTable(table)).toBe('rates:\n\n| a | b |\n| --- | --- |\n| x | 2.0 (1.0 … 3.0) |\n| y | – |')
})

test('a promise whose figure is missing is broken', () => {
  expect(promises.backlog.judge(0.9).kept).toBe(true)
  expect(promises.backlog.judge(0.89).kept).toBe(false)
  expect(promises.idle.judge(5.1).kept).toBe(false)
  expect(verdictText(promises.idle.judge(Number.NaN))).toMatch(/^BROKEN: .*not measured$/)
})

test('memory that doubles has grown, and memory that goes up and down has not', () => {
  expect(
    growthOf([
      { x: 0, y: 100 },
      { x: 1, y: 150 },
      { x: 2, y: 200 },
    ]),
  ).toBeCloseTo(100 / 150)
  expect(
    growthOf([
      { x: 0, y: 100 },
      { x: 1, y: 120 },
      { x: 2, y: 120 },
      { x: 3, y: 100 },
    ]),
  ).toBeCloseTo(0)
})

test('CPU time between two moments is read off between the looks beside them', () => {
  const seen = [0, 100, 200].map((at) => ({ at, cpuMs: at / 2, rssMb: 1 }))
  expect(cpuBetween(seen, 50, 150)).toBeCloseTo(50)
  expect(cpuBetween([], 50, 150)).toBeNaN()
})

test('a profile is summed by package, and idling is no part of it', () => {
  const node = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url } })
  const nodes = [
    node(1, '(idle)', ''),
    node(2, 'post', 'file:///x/node_modules/.pnpm/got@16/node_modules/got/dist/index.js'),
    node(3, 'settle', 'file:///x/packages/worker/src/settle.ts'),
  ]
  expect(shareByPlace({ nodes, samples: [1, 2, 3, 2], timeDeltas: [900, 40, 40, 20] })).toEqual([
    { place: 'got', percent: 60 },
    { place: 'worker/src/settle.ts', percent: 40 },
  ])
})

test('figures go between their markers, whatever was there, and nowhere else', () => {
  const text = 'before\n<!-- bench sign -->\nold\n<!-- end sign -->\nafter'
  expect(putBetween(text, 'sign', 'new')).toBe('before\n<!-- bench sign -->\nnew\n<!-- end sign -->\nafter')
  expect(() => putBetween(text, 'enqueue', 'new')).toThrow('lacks the markers of enqueue')
})

test('plots are SVG without a background', async () => {
  const bars = await drawPlot({
    kind: 'bars',
    unit: 'ms',
    bars: [{ name: 'one', value: { median: 2, min: 1, max: 3 } }],
  })
  const lines = await drawPlot({ kind: 'lines', x: 's', y: 'MB', points: [{ line: 'one', x: 0, y: 1 }] })
  for (const svg of [bars, lines]) {
    expect(svg).toMatch(/^<svg/)
    expect(svg).not.toContain('fill="white"')
  }
})
