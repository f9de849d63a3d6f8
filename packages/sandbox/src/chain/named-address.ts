import { getAddress, keccak256, sliceHex, toHex } from 'viem'

/** Derives an address from a name. It is equal in every sandbox, and no key is known for it. */
export function deriveNamedAddress(name: string): `0x${string}` {
  return getAddress(sliceHex(keccak256(toHex(`sandbox: ${name}`)), 12))
}
