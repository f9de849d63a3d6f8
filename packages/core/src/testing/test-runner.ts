/**
 * The part of a test runner that the conformance suites need: vitest's and Jest's functions fit.
 * Suites get it as an argument, so that this package imports no test runner.
 */
export interface TestRunner {
  describe(name: string, suite: () => void): unknown
  test(name: string, run: () => Promise<void>): unknown
  expect(actual: unknown): Expectation
}

/** The matchers that the suites use. */
export interface Expectation {
  toBe(expected: unknown): unknown
  toEqual(expected: unknown): unknown
  toMatchObject(expected: object): unknown
  toMatch(expected: RegExp): unknown
}
