import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import type { StreamReport } from '../../../packages/worker/src/cli/status/report.ts'
import { drawScreen, type View } from '../../../packages/worker/src/cli/status/screen.ts'
import { sparkline } from '../../../packages/worker/src/cli/status/sparkline.ts'

const WELL: StreamReport = {
  stream_id: 'bank',
  profile: 'ssf',
  status: 'enabled',
  status_reason: null,
  status_changed_at: new Date(0),
  breaker_open_until: null,
  breaker_open_because: null,
  queued: 0,
  dispatched: 0,
  window_earned: 50,
  max_in_flight: 50,
  dead: 0,
  oldest_due_at: null,
  lag_seconds: 0,
  accepted_per_second: 0,
  accepted_last_minute: 0,
}

function viewOf(streams: readonly StreamReport[], workers = 2): View {
  const beat_at = new Date('2026-03-01T14:00:00Z')
  return {
    report: {
      at: beat_at,
      counted_at: beat_at,
      streams,
      workers: Array.from({ length: workers }, (_, n) => ({
        id: `${n}`,
        name: `eu-${n}`,
        slots: 400,
        in_flight: 0,
        started_at: beat_at,
        beat_at,
        beat_age_seconds: 0,
      })),
      totals: {
        streams: streams.length,
        queued: 0,
        dispatched: 0,
        dead: 0,
        accepted_per_second: 12.5,
        accepted_last_minute: 750,
        workers,
        slots: 400 * workers,
      },
    },
    minutes: new Map([['bank', Array<number>(60).fill(3)]]),
    trouble: undefined,
  }
}

const held = { ...WELL, stream_id: 'tax-office', breaker_open_because: 'timeout', lag_seconds: 90, queued: 3 }
const late = { ...WELL, stream_id: 'slow', lag_seconds: 61 }
const paused = { ...WELL, stream_id: 'old', status: 'paused' as const, status_reason: 'receiver_gone' }
const dead = { ...WELL, stream_id: 'picky', dead: 1 }
const ended = { ...WELL, stream_id: 'ended', status: 'disabled' as const }

test('the worst streams come first, and at 80 columns a line has room for all that matters', () => {
  const lines = drawScreen(viewOf([ended, WELL, dead, paused, late, held]), { columns: 80, rows: 24, colours: false })
  expect(lines).toEqual([
    '6 streams: 0 queued, 0 dispatched of 800 slots, 0 dead      2026-03-01T14:00:00Z',
    `13/s accepted ${'█'.repeat(60)}`,
    '                                                                         q quits',
    'STREAM      STATUS                QUEUED  WINDOW  DEAD  LAG  ACC/S  LAST MINUTE',
    'tax-office  held (timeout)             3  0/50       0  1m       0  ▁▁▁▁▁▁▁▁▁▁▁▁',
    'slow        enabled                    0  0/50       0  1m       0  ▁▁▁▁▁▁▁▁▁▁▁▁',
    'old         paused (receiver_go…       0  0/50       0  0s       0  ▁▁▁▁▁▁▁▁▁▁▁▁',
    'picky       enabled                    0  0/50       1  0s       0  ▁▁▁▁▁▁▁▁▁▁▁▁',
    'bank        enabled                    0  0/50       0  0s       0  ████████████',
    'ended       disabled                   0  0/50       0  0s       0  ▁▁▁▁▁▁▁▁▁▁▁▁',
    '',
    'WORKER  SLOTS  IN FLIGHT  LAST BEAT',
    'eu-0      400          0  0s ago',
    'eu-1      400          0  0s ago',
  ])
})

test('of more streams than lines the worst are shown and the others counted', () => {
  const many = [held, ...Array.from({ length: 30 }, (_, n) => ({ ...WELL, stream_id: `s${n}` }))]
  const lines = drawScreen(viewOf(many), { columns: 80, rows: 14, colours: false })
  expect(lines).toHaveLength(14)
  expect(lines[4]).toContain('tax-office')
  expect(lines.at(-1)).toBe('… 22 more, all well')
  const worse = drawScreen(viewOf([...many, late, paused, paused, dead]), { columns: 80, rows: 8, colours: false })
  expect(worse.at(-1)).toBe('… 32 more: 1 paused, 1 with dead letters, 30 well')
})

test('the screen says when the database is away, when nobody works, and when counts are old', () => {
  const size = { columns: 100, rows: 24, colours: false }
  const third = (view: View) => drawScreen(view, size)[2]
  expect(third({ ...viewOf([WELL]), trouble: 'the database cannot be reached' })).toMatch(/^the database cannot be /)
  expect(third(viewOf([WELL], 0))).toMatch(/^no worker is alive: start one with `risc-worker run`/)
  const { report, ...view } = viewOf([WELL])
  const counted_at = new Date(report.at.getTime() - 26_000)
  expect(third({ ...view, report: { ...report, counted_at } })).toMatch(/^queued and dead as of 26s ago/)
})

test('whatever the terminal and the fleet, the screen fits and a terminal is not steered', () => {
  const stream = fc.record({
    stream_id: fc.string({ maxLength: 64 }),
    status: fc.constantFrom('enabled' as const, 'paused' as const, 'disabled' as const),
    status_reason: fc.option(fc.string({ unit: 'binary', maxLength: 200 })),
    queued: fc.nat(),
    dead: fc.nat(),
    lag_seconds: fc.nat(),
  })
  const fleet = fc.tuple(fc.array(stream), fc.nat(40))
  fc.assert(
    fc.property(
      fleet,
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 20, max: 200 }),
      ([streams, workers], rows, columns) => {
        const view = viewOf(
          streams.map((some) => ({ ...WELL, ...some })),
          workers,
        )
        const lines = drawScreen(view, { columns, rows, colours: false })
        expect(lines.length).toBeLessThanOrEqual(rows)
        for (const line of lines) {
          expect(stringWidth(line)).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      },
    ),
  )
})

test.each([
  [[0, 0, 0, 0], 2, '▁▁'],
  [[1, 1, 0, 0], 4, '██▁▁'],
  [[1, 1, 0, 0], 2, '█▁'],
  [[7, 1, 2, 3, 4, 5, 6], 7, '█▂▃▄▅▆▇'],
  [[1, 1_000_000], 2, '▂█'],
  [[], 3, '▁▁▁'],
])('%j in %i cells is %s', (numbers, cells, drawn) => {
  expect(sparkline(numbers, cells)).toBe(drawn)
})
