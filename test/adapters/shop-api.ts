/** The types that a generator such as openapi-typescript makes of an API's description. */
export interface paths {
  '/quote': {
    get: {
      responses: {
        200: { content: { 'application/json': { delivered: boolean } } }
        402: { content: { 'application/problem+json': { code: string } } }
      }
    }
  }
}
