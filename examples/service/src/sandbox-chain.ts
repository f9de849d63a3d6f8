import type { Asset } from '@bursar/core'
import type { Sandbox } from '@bursar/sandbox'

/** The facts about a sandbox in another process that the guard needs. */
export type SandboxChain = Pick<Sandbox, 'network' | 'rpcUrl' | 'asset' | 'hosts'>

const { network, rpcUrl, asset, hosts } = JSON.parse(process.env.SANDBOX ?? '') as SandboxChain

export const networks: Record<string, { readonly rpcUrl: string }> = { [network]: { rpcUrl } }

/** The sandbox has a dollar of its own. */
export const assets: readonly Asset[] = [asset]

/** Its merchants are on this machine and speak http, which a guard allows nowhere else. */
export const development: { readonly hosts: readonly string[] } = { hosts }
