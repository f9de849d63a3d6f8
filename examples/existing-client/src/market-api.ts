/** The types that `openapi-typescript` would generate for the API of the sandbox's market. */
export interface paths {
  '/quote': { get: Get<{ symbol: string; price: string; currency: string }> }
  '/dataset': { get: Get<{ records: { id: number }[] }> }
  '/translate': {
    post: {
      requestBody: { content: { 'application/json': { text: string; to: string } } }
      responses: Responses<{ translation: string }>
    }
  }
}

interface Get<Body> {
  responses: Responses<Body>
}

interface Responses<Body> {
  200: { content: { 'application/json': Body } }
  402: { content: { 'application/problem+json': Problem } }
}

/** A problem that `payingFetch` returns if it did not pay, or if the outcome is unknown. */
interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: string
  outcome: string
}
