import './without-eval.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat } from './chat.tsx'
import { Spending } from './spending.tsx'
import { useAllowance } from './use-allowance.ts'

function Page() {
  const allowance = useAllowance()
  const canPay = allowance?.session?.state === 'open'
  return (
    <div className="page">
      <header>
        <h1>An assistant with an allowance</h1>
        <p>It buys what you ask for. How much, and what needs your word, is up to you.</p>
      </header>
      <Chat canPay={canPay} />
      <Spending allowance={allowance} />
    </div>
  )
}

const root = document.getElementById('page')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  )
}
