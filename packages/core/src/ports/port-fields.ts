import { z } from 'zod'
import type { Rail } from './rail.ts'
import type { Store } from './store.ts'

/** A store, as far as its methods tell. */
export const storeField: z.ZodType<Store> = z.custom<Store>(
  (value) => hasMethod(value, 'commit'),
  'is not a store',
)

/** A rail, as far as its methods tell. */
export const railField: z.ZodType<Rail> = z.custom<Rail>(
  (value) => hasMethod(value, 'offers'),
  'is not a rail',
)

/** Checks that a value is an object with a method of that name. */
export function hasMethod(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Readonly<Record<string, unknown>>)[method] === 'function'
  )
}
