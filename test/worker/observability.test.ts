import { readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { parse } from 'yaml'
import { runCommand } from './cli/command.ts'
import { test } from './started-worker.ts'
import { HTTP, watch } from './watched-worker.ts'

const read = (file: string): string =>
  readFileSync(new URL(`../../examples/observability/${file}`, import.meta.url), 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly description: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: unknown
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: unknown }[]
}

const rules: readonly Rule[] = parse(read('alerts.yml')).groups.flatMap(({ rules }: { rules: Rule[] }) => rules)
const { panels, templating }: { panels: readonly Panel[]; templating: { list: readonly Record<string, unknown>[] } } =
  JSON.parse(read('dashboard.json'))

/** The metrics that a query asks for. */
function metricsOf(expr: string): string[] {
  return [...expr.matchAll(/\b(?:risc|nodejs|process)_\w+/g)].map(([name]) => name)
}

describe('the dashboard and the alert rules', () => {
  test('ask for metrics that a worker serves, and for nothing else', async ({ start }) => {
    const { url } = await watch(start({ http: HTTP }))
    const text = await (await fetch(`${url}/metrics`)).text()
    const served = [...text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name],
    )
    const queries = [
      ...rules.map(({ expr }) => expr),
      ...panels.flatMap(({ targets = [] }) => targets.map((t) => t.expr)),
    ]
    expect(queries.length).toBeGreaterThan(30)
    for (const query of queries) {
      expect(metricsOf(query), query).not.toEqual([])
      expect(served, query).toEqual(expect.arrayContaining(metricsOf(query)))
    }
  })

  test('name commands that there are', async () => {
    for (const { alert, annotations } of rules) {
      for (const [, command = ''] of annotations.description.matchAll(
        /`risc-worker ([a-z ]+?)(?: --[^`]*| \{\{[^`]*)?`/g,
      )) {
        const { code } = await runCommand([...command.split(' '), '--help'], {})
        expect(code, `${alert}: risc-worker ${command}`).toBe(0)
      }
    }
  })
})

test('every panel of the dashboard asks the data source that is chosen, and lies beside no other', () => {
  const chosen = { type: 'prometheus', uid: `\${datasource}` }
  expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  for (const { title, type, datasource, targets = [], gridPos } of panels) {
    if (type !== 'row')
      expect([datasource, ...targets.map((target) => target.datasource)], title).toContainEqual(chosen)
    const over = panels.filter(
      ({ gridPos: other }) =>
        other !== gridPos &&
        other.x < gridPos.x + gridPos.w &&
        gridPos.x < other.x + other.w &&
        other.y < gridPos.y + gridPos.h &&
        gridPos.y < other.y + other.h,
    )
    expect(over, title).toEqual([])
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
  }
})

test('every alert says what to do, and its firing is tested', () => {
  const tested = read('alerts.test.yml')
  for (const { alert, annotations } of rules) {
    expect(annotations.description.length, alert).toBeGreaterThan(80)
    if (alert !== 'RiscStreamNeedsOperator') expect(tested).toContain(`alertname="${alert}"`)
  }
})
