import { useEffect, useState } from 'react'
import type { AllowanceState } from '../allowance.ts'

/** What the server says of budget and payments, as it changes; nothing before it has said something. */
export function useAllowance(): AllowanceState | undefined {
  const [state, setState] = useState<AllowanceState>()
  useEffect(() => {
    const events = new EventSource('/api/state')
    events.onmessage = ({ data }) => setState(JSON.parse(data) as AllowanceState)
    return () => events.close()
  }, [])
  return state
}
