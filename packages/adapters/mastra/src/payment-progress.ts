import type { PayStep, ToolCall } from '@bursar/core/session'

/** What is written to the stream, as the output of the tool or the step, as each step begins. */
export interface PaymentProgress {
  readonly status: 'working'
  readonly step: PayStep
}

/** Whatever becomes of a stream that nobody reads any more, it is no matter of a payment. */
export function progressTo(
  writer: { write(data: PaymentProgress): Promise<void> } | undefined,
): NonNullable<ToolCall['onProgress']> {
  let written = Promise.resolve()
  return (step) => {
    const write = () => writer?.write({ status: 'working', step })
    written = written.then(write).catch(() => undefined)
  }
}
