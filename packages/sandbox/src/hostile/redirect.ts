import type { Merchant } from '../merchants/merchant.ts'
import type { Visit } from './hostile-merchant.ts'

/** Answers 302. The target's URL has the form of the URL that the client used. */
export function redirect(visit: Visit, target: Merchant): void {
  const origin = visit.origin.includes('.localhost') ? target.url : target.address
  visit.response.writeHead(302, { location: origin + visit.path }).end()
}
