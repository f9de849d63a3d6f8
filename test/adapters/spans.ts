import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

const exporter = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
)

/** Returns every span that has ended so far in this process, oldest first. */
export function endedSpans(): readonly ReadableSpan[] {
  return exporter.getFinishedSpans()
}

/** Returns the fields of a span that would be exported to a tracing backend. */
export function exported({ name, attributes, events, status }: ReadableSpan): object {
  return { name, attributes, events, status }
}
