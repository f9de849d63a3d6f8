import { openApi } from '../src/api/openapi.ts'
import { problemStatuses } from '../src/api/problem.ts'
import * as serviceLimits from '../src/api/service-limits.ts'

/** The part of JSON Schema that the page of the HTTP API shows. */
interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly const?: unknown
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
}

/** An operation in the OpenAPI description. */
interface Described {
  readonly operationId: string
  readonly summary: string
  readonly 'x-roles': readonly string[]
  readonly 'x-repeat': keyof typeof repeats
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }>
  >
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const repeats = {
  safe: 'Only reads, so you can repeat it.',
  state: 'Repeating it changes nothing.',
  key: 'Repeat it with the same `Idempotency-Key`: it is done once, and the response is repeated.',
  call: 'Repeat it with the same `call`: it is paid once, and the response is repeated.',
} as const

const intro = `---
shape: reference
---

# HTTP API

<!-- Made of the API's own description by packages/service/server/scripts/write-http-api.ts. -->

This page lists every operation of the server of the package [\`bursar\`](../service/server.md). A running server has the same description
in OpenAPI 3.1 at \`/openapi.json\`, made from the schemas that validate requests. \`/healthz\` answers 200 while the process lives, and
\`/readyz\` while it reaches its ledger.

- **Authentication.** Send \`Authorization: Bearer\` with a key of the ledger or a token of your identity provider. The table in
  \`packages/service/server/src/auth/access.ts\` says which role may call which operation.
- **Sessions.** A payer also sends the session token, in the header \`Bursar-Session\`. The key and the token work only together.
- **Bodies** are JSON. Amounts are decimal strings, times ISO 8601 in UTC, durations strings like \`30m\`.
- **Lists** return \`rows\` and a \`cursor\`. Send the cursor as \`after\` to get the next page.
- **Retries.** If a write was not answered, send it again with the same \`Idempotency-Key\` (random, 16 to 100 visible characters). It is
  done once, and the response shows its tokens and keys again. The same key with another body is refused as \`idempotency_conflict\`.
  Keys of different callers never meet. Each operation below says how to repeat it safely.
- **Denials.** A refusal to pay is a 200 with a \`status\` and a \`code\` ([all codes](denials.md)). It is a final answer, so do not retry it.
- **Problems.** A request that is not carried out is answered with a problem (RFC 9457, \`application/problem+json\`): \`type\`, \`title\`,
  \`status\`, \`detail\`, \`code\` and \`requestId\`. The log and the header \`X-Request-Id\` have the same request id, and you can set it by
  sending an \`X-Request-Id\`.
- **503 and 429** come with \`Retry-After\`.
`

/** Renders the page about the API from its description. */
export function renderHttpApiPage(): string {
  const description = openApi() as unknown as Description
  const all = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ path, method, one })),
  )
  const groups = new Map<string, string[]>()
  for (const { path, method, one } of all) {
    const name = one['x-roles'].length === 1 ? (one['x-roles'][0] ?? '') : 'everybody'
    groups.set(name, [...(groups.get(name) ?? []), renderOperation(path, method, one)])
  }
  const sections = [...groups].map(([name, some]) => `## ${headings[name]}\n\n${some.join('\n')}`)
  return `${[intro, ...sections, renderObjects(description), renderCodes(), renderLimits()].join('\n')}`
}

const headings: Readonly<Record<string, string>> = {
  everybody: 'Everybody',
  payer: 'Payer',
  manager: 'Manager',
  end_user: 'End user',
  administrator: 'Administrator',
  auditor: 'Auditor',
}

function renderOperation(path: string, method: string, one: Described): string {
  const lines = [
    `### ${method.toUpperCase()} ${path}`,
    '',
    one.summary,
    '',
    repeats[one['x-repeat']],
  ]
  const query = one.parameters.filter((parameter) => parameter.in === 'query')
  if (query.length > 0) {
    const names = query.map(({ name, required }) => `\`${name}${required ? '' : '?'}\``)
    lines.push(`Query: ${names.join(', ')}.`)
  }
  const body = one.requestBody?.content['application/json']?.schema
  if (body) lines.push('', ...renderFields(body))
  const [status, response] = Object.entries(one.responses)[0] ?? ['', undefined]
  const [type, content] = Object.entries(response?.content ?? {})[0] ?? ['', undefined]
  const lined = type === 'application/json' ? '' : `, as \`${type}\``
  lines.push('', `Answers ${status} with ${describeSchema(content?.schema ?? {})}${lined}.`, '')
  return lines.join('\n')
}

function renderFields(schema: Schema): string[] {
  const fields = Object.entries(schema.properties ?? {})
  if (fields.length === 0) return []
  const rows = fields.map(([name, field]) => {
    const isRequired = schema.required?.includes(name) ?? false
    return `| \`${name}${isRequired ? '' : '?'}\` | ${describeSchema(field)} | ${field.description ?? ''} |`
  })
  return ['| field | | |', '| --- | --- | --- |', ...rows]
}

/** Describes a schema in a few words. */
function describeSchema(schema: Schema): string {
  const named = /\/(\w+)$/.exec(schema.$ref ?? '')?.[1]
  if (named) return `[${named}](#${named.toLowerCase()})`
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum) return schema.enum.map((one) => `\`${one}\``).join(', ')
  if (schema.anyOf) return schema.anyOf.map(describeSchema).join(' or ')
  if (schema.type === 'array') return `a list of ${describeSchema(schema.items ?? {})}`
  const fields = Object.entries(schema.properties ?? {})
  if (fields.length === 0) return schema.type ?? 'anything'
  return `{ ${fields
    .map(([name, one]) => {
      const isRequired = schema.required?.includes(name) ?? false
      return `${name}${isRequired ? '' : '?'}: ${describeSchema(one)}`
    })
    .join('; ')} }`
}

function renderObjects({ components }: Description): string {
  const parts = Object.entries(components.schemas).map(([name, schema]) => {
    const lines = schema.anyOf
      ? schema.anyOf.map((one) => `- ${describeSchema(one)}`)
      : renderFields(schema)
    return [`### ${name}`, '', ...lines, ''].join('\n')
  })
  return ['## Objects', '', ...parts].join('\n')
}

function renderCodes(): string {
  const rows = Object.entries(problemStatuses).map(
    ([code, [status, title]]) => `| \`${code}\` | ${status} | ${title} |`,
  )
  return [
    '## Codes of problems',
    '',
    'A problem can also have the code of a denial (409), or a code that ends in `_unknown` (404): the object does not exist, or belongs to another.',
    '',
    '| code | status | |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

function renderLimits(): string {
  const rows = Object.entries(serviceLimits)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `| \`${name}\` | ${value} |`)
  return [
    '## Limits',
    '',
    'These are the limits of one server. `packages/service/server/src/api/service-limits.ts` gives the reason of each.',
    '',
    '| limit | value |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
