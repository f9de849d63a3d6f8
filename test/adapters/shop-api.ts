/** What a generator such as openapi-typescript makes of a description. */
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
