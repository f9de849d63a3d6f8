/**
 * The place where the document with every sealed secret lives. Each call opens and closes what it
 * needs: nothing has to be closed, and every process reads the newest document at once. Both
 * methods throw `vault_unavailable`.
 */
export interface VaultStorage {
  /**
   * Returns the newest document, or undefined if none was ever written. A document that is too long
   * is returned with an empty text.
   */
  read(): Promise<StoredDocument | undefined>
  /**
   * Writes the document that follows a revision (0 for the first one), durably, and whole or not at
   * all. Returns false if another writer came first.
   */
  write(text: string, revision: number): Promise<boolean>
}

/** A document, and the number of documents written up to it. */
export interface StoredDocument {
  readonly text: string
  readonly revision: number
}
