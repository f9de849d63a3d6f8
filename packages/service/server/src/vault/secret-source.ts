/** Where a vault finds secrets. It hands out a value only version by version, and when asked for. */
export interface SecretSource {
  /**
   * The versions of a secret that are good now, newest first. Throws `secret_unknown`, or
   * whatever keeps it from saying so.
   */
  versions(secret: string): Promise<readonly SecretVersion[]>
}

/** One version of a secret that is good now. */
export interface SecretVersion {
  readonly version: string
  /** The value, in a buffer that is the caller's, to be overwritten. */
  open(): Promise<Buffer>
}
