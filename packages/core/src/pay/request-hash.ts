import { hashOf } from '../primitives/hash.ts'

/**
 * Headers that clients change with each try of one request: counters and clocks of SDKs, ids of requests,
 * and the context of traces. They are sent, but two requests that differ in nothing else are the same.
 */
const changingHeaders: readonly RegExp[] = [
  /^(x-stainless|x-b3|x-datadog|x-sentry|amz-sdk)-/,
  /^(traceparent|tracestate|baggage|b3|sentry-trace|uber-trace-id|x-cloud-trace-context)$/,
  /^(date|x-date|x-amz-date|x-timestamp|x-request-start|user-agent)$/,
  /(^|-)(request|correlation|trace|span|invocation|attempt)-?(id|uuid|number|count)$/,
  /(^|-)retry-?(attempt|count|number)$/,
]

/** Checks whether clients change a header with each try of one request. The name is in lower case. */
function changesRequestHash(name: string): boolean {
  return changingHeaders.some((pattern) => pattern.test(name))
}

/**
 * Returns the SHA-256 of what makes two requests the same: method, URL, body, and the headers that clients
 * do not change with each try. Names of headers are in lower case and sorted.
 */
export function hashRequest(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): string {
  const lasting = Object.entries(headers).filter(([name]) => !changesRequestHash(name))
  const text = JSON.stringify(Object.fromEntries(lasting))
  return hashOf('request', [method, url.href, text, body ?? null])
}
