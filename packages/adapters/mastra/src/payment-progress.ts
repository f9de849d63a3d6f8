import type { PayStep, ToolCall } from '@bursar/core/session'

/**
 * A chunk of the stream, written as the output of the tool or the step when a step of a payment
 * begins.
 */
export interface PaymentProgress {
  readonly status: 'working'
  readonly step: PayStep
}

/** Returns a listener that writes each step to a stream, in order. Ignores a stream that fails. */
export function writeProgressTo(
  writer: { write(data: PaymentProgress): Promise<void> } | undefined,
): NonNullable<ToolCall['onProgress']> {
  let written = Promise.resolve()
  return (step) => {
    const write = () => writer?.write({ status: 'working', step })
    // A payment goes on if its stream is closed.
    written = written.then(write).catch(() => undefined)
  }
}
