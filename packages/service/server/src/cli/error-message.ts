/** Returns the message of an error without the messages of its causes, which may quote a secret. */
export function readErrorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
