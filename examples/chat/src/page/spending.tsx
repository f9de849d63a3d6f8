import type { PaymentSummary } from '@bursar/core'
import { type ReactNode, useState } from 'react'
import type { AllowanceState } from '../allowance.ts'
import { post } from './api.ts'
import { BudgetForm } from './budget-form.tsx'

/** Of the states of a payment, what they mean for the person's money. */
const meanings: Readonly<Record<PaymentSummary['state'], string>> = {
  reserved: 'being paid',
  signed: 'being paid',
  claimed: 'paid, being proved',
  in_doubt: 'outcome not known yet',
  settled: 'paid',
  released: 'not paid',
}

/** Renders the budget, the amount spent, and the button that revokes the budget. */
export function Spending(props: { readonly allowance: AllowanceState | undefined }): ReactNode {
  const { allowance } = props
  const session = allowance?.session
  const isOpen = session?.state === 'open'
  return (
    <aside className="spending" aria-label="Budget">
      {isOpen && allowance ? (
        <Budget allowance={allowance} />
      ) : (
        <BudgetForm ended={session?.state} />
      )}
      <h2>Payments</h2>
      {allowance && allowance.payments.length > 0 ? (
        <ol aria-live="polite">
          {allowance.payments.map((payment) => (
            <Payment key={payment.id} payment={payment} />
          ))}
        </ol>
      ) : (
        <p className="none">None yet.</p>
      )}
    </aside>
  )
}

function Budget(props: { readonly allowance: AllowanceState }): ReactNode {
  const { session, askAbove } = props.allowance
  const [problem, setProblem] = useState('')
  const revoke = (): void => {
    post('/api/revoke').catch(() => setProblem('It could not be withdrawn. Try again.'))
  }
  if (!session || session.state === 'unknown') return null
  const { remaining, total, held, currency } = session
  return (
    <section aria-label="What is left">
      <p className="left">
        <strong>{remaining}</strong> {currency} left of {total}
      </p>
      <meter
        min={0}
        max={Number(total)}
        value={Number(remaining)}
        aria-label="Left of the budget"
      />
      <p className="terms">
        Above {askAbove} {currency} it asks you.
        {Number(held) > 0 && ` ${held} ${currency} is held until the chain has proved it.`}
      </p>
      <button type="button" className="quiet" onClick={revoke}>
        Withdraw the budget
      </button>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  )
}

function Payment(props: { readonly payment: PaymentSummary }): ReactNode {
  const { amount, currency, merchant, purpose, state, reservedAt } = props.payment
  const at = new Date(reservedAt)
  return (
    <li className={state}>
      <span className="amount">
        {amount} {currency}
      </span>
      <span className="purpose">{purpose}</span>
      <span className="meaning">
        {merchant} · {meanings[state]} ·{' '}
        <time dateTime={reservedAt}>{at.toLocaleTimeString([], { timeStyle: 'short' })}</time>
      </span>
    </li>
  )
}
