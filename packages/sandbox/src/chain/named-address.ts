import { getAddress, keccak256, sliceHex, toHex } from 'viem'

/** The address of somebody in the sandbox: the same in every sandbox, and without a key. */
export function namedAddress(name: string): `0x${string}` {
  return getAddress(sliceHex(keccak256(toHex(`sandbox: ${name}`)), 12))
}
