import { z } from 'zod'
import { access } from '../auth/access.ts'
import { type Operation, sessionHeader } from './operation.ts'
import { administrationOperations } from './operations/administration.ts'
import { auditingOperations, callerOperations } from './operations/auditing.ts'
import { endUserOperations } from './operations/end-user.ts'
import { managementOperations } from './operations/management.ts'
import { payerOperations } from './operations/payer.ts'

/** A JSON object of the description. */
type Json = Readonly<Record<string, unknown>>

/** The schema of a problem (RFC 9457), with a stable code and the request's id. */
const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().describe('A stable code in snake_case, or the code of a denial.'),
    requestId: z.string(),
  })
  .meta({ id: 'Problem' })

/** The version of the API's description. A test compares it with the package's version. */
export const version = '0.0.0'

/** Every operation of the API, in the order of its description. Each one has a row in `access`. */
export const operations: readonly Operation[] = [
  ...callerOperations,
  ...payerOperations,
  ...managementOperations,
  ...endUserOperations,
  ...administrationOperations,
  ...auditingOperations,
]

/** Describes the API in OpenAPI 3.1, from the schemas that validate its requests. */
export function openApi(): Json {
  const components = new Map<string, unknown>()
  const describeSchema = (one: z.ZodType, io: 'input' | 'output'): Json => {
    const { $schema: _draft, $defs, ...rest } = z.toJSONSchema(one, { io, unrepresentable: 'any' })
    const { rewritten, named } = hoistOpenApiDefinitions(rest, $defs)
    for (const [name, definition] of Object.entries(named)) components.set(name, definition)
    return rewritten
  }
  const paths: Record<string, Record<string, Json>> = {}
  for (const one of operations) {
    paths[one.path] ??= {}
    Object.assign(paths[one.path] ?? {}, {
      [one.method]: describeOpenApiOperation(one, describeSchema),
    })
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bursar',
      version,
      description: 'The guard as a service. Amounts are decimal strings, times ISO 8601 in UTC.',
    },
    paths,
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key of the ledger, or a token (JWT) of the identity provider.',
        },
        session: { type: 'apiKey', in: 'header', name: sessionHeader },
      },
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function describeOpenApiOperation(
  one: Operation,
  schema: (one: z.ZodType, io: 'input' | 'output') => Json,
): Json {
  const roles = Object.entries(access[one.name])
    .filter(([, may]) => may === 'allow')
    .map(([role]) => role)
  return {
    operationId: one.name,
    summary: one.summary,
    tags: roles.length === 1 ? roles : ['everybody'],
    'x-roles': roles,
    'x-repeat': one.repeat,
    security: [one.inSession ? { key: [], session: [] } : { key: [] }],
    parameters: describeOpenApiParameters(one, schema),
    ...(one.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schema(one.body, 'input') } },
          },
        }
      : {}),
    responses: {
      [one.status]: {
        description: 'Success.',
        content: { [one.mediaType]: { schema: schema(one.result, 'output') } },
      },
      default: {
        description: 'A problem. The request was not carried out.',
        content: { 'application/problem+json': { schema: schema(problemSchema, 'output') } },
      },
    },
  }
}

function describeOpenApiParameters(
  { path, query, repeat }: Operation,
  schema: (one: z.ZodType, io: 'input' | 'output') => Json,
): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const { properties = {}, required = [] } = query
    ? (schema(query, 'input') as { properties?: Json; required?: readonly string[] })
    : {}
  const inQuery = Object.entries(properties).map(([name, one]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: one,
  }))
  const once = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'Random, 16 to 100 visible characters. A repeated request is then done once.',
    schema: { type: 'string' },
  }
  return [...inPath, ...inQuery, ...(repeat === 'key' ? [once] : [])]
}

/** Moves named definitions from `$defs` of JSON Schema to `components` of OpenAPI. */
function hoistOpenApiDefinitions(
  schema: unknown,
  named: unknown = {},
): { readonly rewritten: Json; readonly named: Json } {
  const text = JSON.stringify({ rewritten: schema, named })
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as {
    rewritten: Json
    named: Json
  }
}
