/** A field that is absent where its column is null. */
export function optionalNumber<Name extends string>(
  name: Name,
  column: unknown,
): { readonly [name in Name]?: number } {
  if (column === null) return {}
  return { [name]: Number(column) } as { [name in Name]: number }
}
