import type { StandardSchemaWithJSON } from '@mastra/core/schema'

/**
 * A schema as Mastra knows schemas, which shows a shape and takes whatever comes.
 *
 * The guard reads what a model sends, ignores and records what it does not know, and denies what it
 * cannot use. A refusal by Mastra would be recorded nowhere; and one of a result would come after it was paid.
 */
export function openSchema<Shape>(shape: object): StandardSchemaWithJSON<Shape> {
  const jsonSchema = (): Record<string, unknown> => structuredClone(shape) as never
  return {
    '~standard': {
      version: 1,
      vendor: 'bursar',
      validate: (value) => ({ value: value as Shape }),
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  }
}
