/** By which part of its mean the straight line through the points rises from the first to the last. */
export function growthOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))]
  const covariance = mean(points.map(({ x, y }) => (x - meanX) * (y - meanY)))
  const variance = mean(points.map(({ x }) => (x - meanX) ** 2))
  const width = (points.at(-1)?.x ?? Number.NaN) - (points[0]?.x ?? Number.NaN)
  return ((covariance / variance) * width) / meanY
}
