import { useEffect, useState } from 'react'
import type { AllowanceState } from '../allowance.ts'

/** Returns the latest budget and payments from the server, or undefined before its first event. */
export function useAllowance(): AllowanceState | undefined {
  const [state, setState] = useState<AllowanceState>()
  useEffect(() => {
    const events = new EventSource('/api/state')
    events.onmessage = ({ data }) => setState(JSON.parse(data) as AllowanceState)
    return () => events.close()
  }, [])
  return state
}
