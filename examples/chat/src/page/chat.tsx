import { useChat } from '@ai-sdk/react'
import {
  DefaultChatTransport,
  isTextUIPart,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type UIMessage,
} from 'ai'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { type PaymentPart, PaymentStep } from './payment-step.tsx'

const suggestions = [
  'What does ACME cost now?',
  'Get me the report on ACME.',
  'Get all the records.',
]

/** Renders the conversation, in which payments are steps. */
export function Chat({ canPay }: { readonly canPay: boolean }): ReactNode {
  const { messages, sendMessage, status, error, addToolApprovalResponse } = useChat({
    transport: new DefaultChatTransport({ api: '/api/chat' }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  })
  const [text, setText] = useState('')
  const end = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const isBusy = status === 'submitted' || status === 'streaming'
  const isAsked = messages.at(-1)?.parts.some(isQuestion) ?? false
  useEffect(() => {
    // What is new is seen, whatever it is.
    if (messages.length > 0) end.current?.scrollIntoView({ block: 'nearest' })
  }, [messages])
  useEffect(() => {
    // Who has answered a question goes on here.
    if (isAsked) return () => field.current?.focus()
    return undefined
  }, [isAsked])
  const send = (question: string): void => {
    if (question.trim() === '' || isBusy || isAsked) return
    setText('')
    void sendMessage({ text: question })
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    send(text)
  }
  return (
    <main className="chat" aria-label="Conversation">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls it with the keys. */}
      <div className="messages" role="log" aria-live="polite" tabIndex={0}>
        {messages.length === 0 && <Welcome canPay={canPay} onAsk={send} />}
        {messages.map((message) => (
          <Message key={message.id} message={message} onAnswered={addToolApprovalResponse} />
        ))}
        {status === 'submitted' && <p className="waiting">…</p>}
        {error && (
          <p className="problem" role="alert">
            The answer broke off. Ask again; nothing is paid twice for it.
          </p>
        )}
        <div ref={end} />
      </div>
      <form className="composer" onSubmit={submit}>
        <label htmlFor="question">Ask the assistant</label>
        <input
          id="question"
          ref={field}
          value={text}
          maxLength={2_000}
          autoComplete="off"
          placeholder={isAsked ? 'Answer the question first.' : 'What does ACME cost now?'}
          disabled={isAsked}
          onChange={({ target }) => setText(target.value)}
        />
        <button type="submit" disabled={isBusy || isAsked}>
          Send
        </button>
      </form>
    </main>
  )
}

/** Whether a part waits for the person's word: without it the conversation cannot go on. */
function isQuestion(part: UIMessage['parts'][number]): boolean {
  return isToolUIPart(part) && part.state === 'approval-requested'
}

function Welcome(props: {
  readonly canPay: boolean
  readonly onAsk: (question: string) => void
}): ReactNode {
  return (
    <div className="welcome">
      <p>{props.canPay ? 'Try one of these.' : 'Set a budget first, then try one of these.'}</p>
      {suggestions.map((question) => (
        <button type="button" key={question} onClick={() => props.onAsk(question)}>
          {question}
        </button>
      ))}
    </div>
  )
}

function Message(props: {
  readonly message: UIMessage
  readonly onAnswered: (answer: { id: string; approved: boolean }) => unknown
}): ReactNode {
  const { message, onAnswered } = props
  return (
    <article className={`message ${message.role}`}>
      <h2 className="unseen">{message.role === 'user' ? 'You' : 'Assistant'}</h2>
      {message.parts.map((part, index) => {
        // A part has no name of its own, and parts are only ever added.
        const key = `${message.id} ${index}`
        if (isTextUIPart(part)) return <p key={key}>{part.text}</p>
        if (part.type !== 'tool-pay_within_session') return null
        return <PaymentStep key={key} part={part as PaymentPart} onAnswered={onAnswered} />
      })}
    </article>
  )
}
