import type { LanguageModel } from 'ai'

/** The providers that can be named, and the variable that holds the key of each. */
const keys = { anthropic: 'ANTHROPIC_API_KEY', openai: 'OPENAI_API_KEY' } as const

type Provider = keyof typeof keys

/**
 * Loads a model that is named `anthropic/…` or `openai/…`, and its package. Throws an error with one
 * clear line if the provider is unknown or its key is missing.
 */
export async function realModel(name: string): Promise<LanguageModel> {
  const [, provider, model] = /^(anthropic|openai)\/(.+)$/.exec(name) ?? []
  if (provider === undefined || model === undefined) {
    throw new Error(`--model ${name}: is neither anthropic/<name> nor openai/<name>.`)
  }
  const key = keys[provider as Provider]
  if (!process.env[key]) {
    throw new Error(`--model ${name}: needs ${key} in the environment, which is not set.`)
  }
  if (provider === 'anthropic') return (await import('@ai-sdk/anthropic')).anthropic(model)
  return (await import('@ai-sdk/openai')).openai(model)
}
