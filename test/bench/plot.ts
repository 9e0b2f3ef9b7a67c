import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Spread } from './rounds.ts'

/** Bars with their spread, or lines over time. */
export type Plot =
  | { readonly kind: 'bars'; readonly unit: string; readonly bars: readonly { name: string; value: Spread }[] }
  | { readonly kind: 'lines'; readonly x: string; readonly y: string; readonly points: readonly Point[] }

export interface Point {
  readonly line: string
  readonly x: number
  readonly y: number
}

/** Greys and colours that are read on white and on black. */
const INK = '#808890'
const COLOURS = ['#4c86c6', '#d9822b', '#3a9d6b', '#b75fb3', '#c8504e']
const WIDTH = 460

/** Draws a plot as SVG without a background, for pages in light and dark. */
export function drawPlot(plot: Plot): Promise<string> {
  return new View(parse(compile(specOf(plot)).spec), { renderer: 'none' }).toSVG()
}

function specOf(plot: Plot): TopLevelSpec {
  const look = { background: 'transparent', padding: 5, width: WIDTH, config } as const
  if (plot.kind === 'lines') {
    return {
      ...look,
      height: 180,
      data: { values: [...plot.points] },
      mark: { type: 'line', strokeWidth: 1.5 },
      encoding: {
        x: { field: 'x', type: 'quantitative', title: plot.x },
        y: { field: 'y', type: 'quantitative', title: plot.y },
        color: { field: 'line', type: 'nominal', title: null, scale: { range: COLOURS } },
      },
    }
  }
  const values = plot.bars.map(({ name, value: { median, min, max } }) => ({ name, median, min, max }))
  const y = { field: 'name', type: 'nominal', sort: null, title: null } as const
  return {
    ...look,
    height: { step: 22 },
    data: { values },
    layer: [
      {
        mark: { type: 'bar', color: COLOURS[0] ?? INK },
        encoding: { y, x: { field: 'median', type: 'quantitative', title: plot.unit } },
      },
      {
        mark: { type: 'rule', color: INK, strokeWidth: 2 },
        encoding: { y, x: { field: 'min', type: 'quantitative' }, x2: { field: 'max' } },
      },
    ],
  }
}

const config = {
  font: 'sans-serif',
  axis: { labelColor: INK, titleColor: INK, domainColor: INK, tickColor: INK, gridOpacity: 0.15, labelLimit: 300 },
  legend: { labelColor: INK },
  view: { stroke: null },
} as const
