import { type FormEvent, type ReactNode, useState } from 'react'
import { post } from './api.ts'

/** Sets a budget: how much, and from what amount on the person is asked. */
export function BudgetForm(props: { readonly ended: string | undefined }): ReactNode {
  const { ended } = props
  const [problem, setProblem] = useState('')
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    try {
      await post('/api/budget', { total: form.get('total'), askAbove: form.get('askAbove') })
      setProblem('')
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'It could not be set.')
    }
  }
  return (
    <form className="budget" onSubmit={(event) => void submit(event)}>
      {ended && <p role="status">The budget has ended. Nothing more is paid from it.</p>}
      <label htmlFor="total">Budget, in dollars</label>
      <input id="total" name="total" inputMode="decimal" defaultValue="1.00" required />
      <label htmlFor="ask-above">Ask me above, in dollars</label>
      <input id="ask-above" name="askAbove" inputMode="decimal" defaultValue="0.10" required />
      <button type="submit">{ended ? 'Set a new budget' : 'Set the budget'}</button>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}
