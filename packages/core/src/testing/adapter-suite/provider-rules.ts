/** The keywords of a property that OpenAI's strict mode, Gemini and Anthropic all take. */
const commonKeywords: readonly string[] = ['type', 'description']

/** Keywords beside `properties` that providers ignore or that their own packages remove. */
const harmlessKeywords: readonly string[] = ['$schema', 'title', 'description']

/**
 * Finds what a provider would refuse in a tool as a framework offers it. OpenAI's strict mode wants every
 * property required and no others, Gemini no union and no empty enum, Anthropic and OpenAI a name of at
 * most 64 letters, digits, `_` and `-`. Returns sentences; none if every provider takes the tool.
 */
export function findProviderFaults(tool: {
  readonly name: string
  readonly inputSchema: unknown
}): readonly string[] {
  const schema = tool.inputSchema as Record<string, unknown>
  const { type, properties = {}, required = [], additionalProperties, ...rest } = schema
  const names = Object.keys(properties as object)
  const others = Object.keys(rest).filter((name) => !harmlessKeywords.includes(name))
  return [
    ...(/^[a-zA-Z0-9_-]{1,64}$/.test(tool.name) ? [] : [`the name ${tool.name}`]),
    ...(type === 'object' ? [] : [`the type ${String(type)}`]),
    ...(additionalProperties === false ? [] : ['additional properties']),
    ...names
      .filter((name) => !(required as string[]).includes(name))
      .map((name) => `${name} is optional`),
    ...others.map((name) => `the keyword ${name}`),
    ...Object.entries(properties as Record<string, Record<string, unknown>>).flatMap(
      ([name, property]) => [
        ...(property.type === 'string' ? [] : [`${name} is no plain string`]),
        ...Object.keys(property)
          .filter((keyword) => !commonKeywords.includes(keyword))
          .map((keyword) => `${name} has the keyword ${keyword}`),
      ],
    ),
  ]
}
