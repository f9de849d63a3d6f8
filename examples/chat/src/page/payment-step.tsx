import type { PayArguments, PaymentProgress } from '@bursar/ai-sdk'
import type { ModelResult } from '@bursar/core/session'
import type { ToolUIPart } from 'ai'
import type { ReactNode } from 'react'
import { ApprovalRequest } from './approval-request.tsx'

/** A call of the payment tool, as it stands in a message. */
export type PaymentPart = ToolUIPart<{
  pay_within_session: { input: PayArguments; output: PaymentProgress | ModelResult }
}>

const steps: Readonly<Record<PaymentProgress['step'], string>> = {
  quoting: 'asks for the price',
  deciding: 'checks the limits',
  signing: 'signs',
  sending: 'pays',
}

const outcomes: Readonly<Record<ModelResult['status'], string>> = {
  paid: 'Paid',
  free: 'Free',
  denied: 'Not paid',
  approval_required: 'Waits for your word',
  in_progress: 'Under way',
  in_doubt: 'Outcome not known yet',
  undelivered: 'Paid, not delivered',
  failed: 'Not paid',
}

/** One payment in the conversation, from its question to its receipt. */
export function PaymentStep(props: {
  readonly part: PaymentPart
  readonly onAnswered: (answer: { id: string; approved: boolean }) => unknown
}): ReactNode {
  const { part, onAnswered } = props
  const what = part.input?.purpose ?? 'something'
  switch (part.state) {
    case 'approval-requested':
      return (
        <ApprovalRequest
          toolCall={part.toolCallId}
          onAnswered={(approved) => onAnswered({ id: part.approval.id, approved })}
        />
      )
    case 'output-available':
      return <Outcome what={what} output={part.output} />
    case 'output-denied':
      return <p className="step denied">Not paid: you said no to {what}.</p>
    case 'output-error':
      return <p className="step denied">The payment tool failed.</p>
    default:
      return <p className="step">Looks at {what} …</p>
  }
}

function Outcome(props: {
  readonly what: string
  readonly output: PaymentProgress | ModelResult
}): ReactNode {
  const { what, output } = props
  if (output.status === 'working') {
    return (
      <p className="step">
        {what}: {steps[output.step]} …
      </p>
    )
  }
  const { receipt, status } = output
  const price = receipt ? ` ${receipt.amount} ${receipt.currency} to ${receipt.merchant}` : ''
  return (
    <p className={`step ${receipt || status === 'free' ? 'done' : 'denied'}`}>
      <strong>
        {outcomes[status]}
        {price}
      </strong>{' '}
      for {what}
    </p>
  )
}
