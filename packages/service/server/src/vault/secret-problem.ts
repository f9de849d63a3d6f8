import { findVersionWrappingKey } from './sealed-version.ts'
import { findDocumentVersions, type VaultDocument } from './vault-document.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** The reason why a secret could not be opened. */
export interface SecretProblem {
  /** The name of the secret. */
  readonly name: string
  /** The reason, as a sentence. */
  readonly problem: string
}

/** Finds the reasons why secrets of a document could not be opened at `now`. Opens no secret. */
export async function findSecretProblems(
  document: VaultDocument,
  keys: readonly WrappingKey[],
  now: number,
): Promise<readonly SecretProblem[]> {
  const found: SecretProblem[] = []
  for (const entry of document.filter(({ versions }) => versions.length > 0)) {
    const { name } = entry
    const valid = findDocumentVersions(entry, now)
    if (valid.length === 0) found.push({ name, problem: `${name} has no valid version.` })
    for (const version of valid) {
      await findVersionWrappingKey(keys, entry, version).catch((error: unknown) => {
        const problem = error instanceof Error ? error.message : 'its wrapping key failed'
        found.push({ name, problem: `${name}, version ${version.version}: ${problem}` })
      })
    }
  }
  return found
}
