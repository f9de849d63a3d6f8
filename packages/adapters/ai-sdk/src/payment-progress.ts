import type { ModelResult, PayStep } from '@bursar/core/session'

/**
 * A chunk that the tool yields as a step of the payment begins. The tool's last chunk is its
 * result.
 */
export interface PaymentProgress {
  readonly status: 'working'
  readonly step: PayStep
}

/**
 * Calls `pay`, yields each of its steps as the step begins, and yields its result at the end.
 * `pay` goes on if the caller stops reading, and must not throw.
 */
export async function* payWithProgress(
  pay: (onProgress: (step: PayStep) => void) => Promise<ModelResult>,
): AsyncGenerator<PaymentProgress | ModelResult, void> {
  const chunks = new ReadableStream<PaymentProgress | ModelResult>({
    start: (controller) => {
      void pay((step) => controller.enqueue({ status: 'working', step })).then((result) => {
        controller.enqueue(result)
        controller.close()
      })
    },
  })
  // A cancelled stream would throw into the payment at its next step.
  yield* chunks.values({ preventCancel: true })
}
