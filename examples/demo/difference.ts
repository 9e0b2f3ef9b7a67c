/** Compares as bags: what is there twice must be there twice. */
export function difference(
  expected: readonly string[],
  actual: readonly string[],
): { readonly missing: readonly string[]; readonly surplus: readonly string[] } {
  const surplus = [...actual]
  const missing = expected.filter((one) => {
    const index = surplus.indexOf(one)
    if (index >= 0) surplus.splice(index, 1)
    return index < 0
  })
  return { missing, surplus }
}
