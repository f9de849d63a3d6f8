import { openApi } from '../src/api/openapi.ts'
import { problemStatuses } from '../src/api/problem.ts'
import * as bounds from '../src/api/service-limits.ts'

/** A piece of JSON Schema, as far as the page shows it. */
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

/** An operation of the description. */
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
  safe: 'It reads: ask as often as you like.',
  state: 'The same again changes nothing.',
  key: 'With the same `Idempotency-Key` it is done once, and answered again.',
  call: 'With the same `call` it is paid once, and answered again.',
} as const

const intro = `---
shape: reference
---

# HTTP API

<!-- Made of the API's own description by packages/service/server/scripts/write-http-api.ts. -->

What a server of the package [\`bursar\`](../service/server.md) answers. The description in OpenAPI 3.1 is at \`/openapi.json\`, and is made
of the schemas that validate. \`/healthz\` says that the process lives, \`/readyz\` that it reaches its ledger.

- **Who calls** is in \`Authorization: Bearer\`: a key of the ledger, or a token of the identity provider. What each role may do is one
  table, \`packages/service/server/src/auth/access.ts\`.
- **A payer** sends the session's token besides, as \`Bursar-Session\`. Neither is of use without the other.
- **Bodies** are JSON. Amounts are decimal strings, times ISO 8601 in UTC, durations like \`30m\`.
- **Lists** have \`rows\` and a \`cursor\` that leads to the next page: send it as \`after\`.
- **Again.** A write that was not answered is sent again with the same \`Idempotency-Key\`, random, 16 to 100 visible characters: it is
  done once, and the tokens and keys that it made are shown again. Another body with the same key is \`idempotency_conflict\`. A key is
  its caller's. Under each operation stands what makes it safe to send again.
- **A refusal to pay** is a 200 with a \`status\` and a \`code\` ([all codes](denials.md)): it is an answer, and nothing to try again.
- **A request that is not done** is answered with a problem (RFC 9457, \`application/problem+json\`): \`type\`, \`title\`, \`status\`,
  \`detail\`, \`code\`, and the \`requestId\` that is in the log and in \`X-Request-Id\`. Send an \`X-Request-Id\` of your own to find it again.
- **503 and 429** come with \`Retry-After\`.
`

/** The page about the API, made of its description. */
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

/** A schema in a few words. */
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
    'Besides these, the code of a denial (409), and one that ends in `_unknown` (404): what is not there, or is another’s.',
    '',
    '| code | status | |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

function renderLimits(): string {
  const rows = Object.entries(bounds)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `| \`${name}\` | ${value} |`)
  return [
    '## Bounds',
    '',
    'Of one server, as `packages/service/server/src/api/service-limits.ts` has them, with the reason of each.',
    '',
    '| bound | |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
