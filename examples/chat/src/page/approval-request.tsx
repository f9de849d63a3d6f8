import type { ApprovalCard } from '@bursar/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { post } from './api.ts'

/** Asks the person about exactly what the guard has recorded, and nothing that the model wrote. */
export function ApprovalRequest(props: {
  readonly toolCall: string
  readonly onAnswered: (approved: boolean) => unknown
}): ReactNode {
  const { toolCall, onAnswered } = props
  const [card, setCard] = useState<ApprovalCard | null>()
  const [problem, setProblem] = useState('')
  const [isSent, setSent] = useState(false)
  const section = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const ending = new AbortController()
    fetch(`/api/question/${encodeURIComponent(toolCall)}`, { signal: ending.signal })
      .then((response) => response.json())
      .then(({ card: found }: { card: ApprovalCard | null }) => setCard(found))
      .catch(() => undefined)
    return () => ending.abort()
  }, [toolCall])
  useEffect(() => {
    if (!card) return
    heading.current?.focus()
    // All of it is seen before it is answered.
    section.current?.scrollIntoView({ block: 'nearest' })
  }, [card])
  const answer = async (approved: boolean): Promise<void> => {
    setSent(true)
    try {
      // First the guard hears it, from the person's own side; then the conversation goes on.
      await post('/api/answer', { toolCall, approved })
      onAnswered(approved)
    } catch (error) {
      setSent(false)
      setProblem(error instanceof Error ? error.message : 'It could not be sent.')
    }
  }
  if (card === undefined) return <p className="step">A payment needs your word …</p>
  if (card === null) {
    return (
      <section className="approval" aria-label="Approval">
        <p>This question is not open any more.</p>
        <button type="button" onClick={() => onAnswered(false)}>
          Go on without it
        </button>
      </section>
    )
  }
  return (
    <section className="approval" aria-label="Approval" ref={section}>
      <h3 ref={heading} tabIndex={-1}>
        Pay {card.amount} {card.currency} to {card.merchant}?
      </h3>
      <dl>
        {card.sellerSays === undefined ? null : (
          <>
            <dt>The seller says</dt>
            <dd>{card.sellerSays}</dd>
          </>
        )}
        <dt>For</dt>
        <dd>{card.resource}</dd>
        <dt>To account</dt>
        <dd className="account">{card.payee}</dd>
        <dt>The assistant says</dt>
        <dd>“{card.agentSays}”</dd>
      </dl>
      <div className="answers">
        <button type="button" disabled={isSent} onClick={() => void answer(true)}>
          Pay {card.amount} {card.currency}
        </button>
        <button
          type="button"
          className="quiet"
          disabled={isSent}
          onClick={() => void answer(false)}
        >
          Do not pay
        </button>
      </div>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  )
}
