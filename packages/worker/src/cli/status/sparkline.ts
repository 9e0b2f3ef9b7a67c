const NOTHING = '▁'
const BLOCKS = '▂▃▄▅▆▇█'

/** Draws numbers, evenly put together in so many cells. The highest cell is the largest sum, the lowest line nothing. */
export function sparkline(numbers: readonly number[], cells: number): string {
  const sums = Array<number>(cells).fill(0)
  numbers.forEach((number, place) => {
    const cell = Math.floor((place * cells) / numbers.length)
    sums[cell] = (sums[cell] ?? 0) + number
  })
  const largest = Math.max(...sums)
  return sums.map((sum) => (sum === 0 ? NOTHING : BLOCKS[Math.ceil((sum / largest) * BLOCKS.length) - 1])).join('')
}
