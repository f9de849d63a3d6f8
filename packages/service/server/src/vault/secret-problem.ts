import { findWrappingKey } from './sealed-version.ts'
import { findValidVersions, type VaultDocument } from './vault-document.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** Why a secret could not be opened, as a sentence. */
export interface SecretProblem {
  readonly name: string
  readonly problem: string
}

/** What would keep the secrets of a document from being opened at a time. Opens none. */
export async function findSecretProblems(
  document: VaultDocument,
  keys: readonly WrappingKey[],
  now: number,
): Promise<readonly SecretProblem[]> {
  const found: SecretProblem[] = []
  for (const entry of document.filter(({ versions }) => versions.length > 0)) {
    const { name } = entry
    const valid = findValidVersions(entry, now)
    if (valid.length === 0)
      found.push({ name, problem: `${name} has no version that is good now.` })
    for (const version of valid) {
      await findWrappingKey(keys, entry, version).catch((error: unknown) => {
        const problem = error instanceof Error ? error.message : 'its wrapping key failed'
        found.push({ name, problem: `${name}, version ${version.version}: ${problem}` })
      })
    }
  }
  return found
}
