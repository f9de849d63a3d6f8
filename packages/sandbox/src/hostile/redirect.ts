import type { Merchant } from '../merchants/merchant.ts'
import type { Visit } from './hostile-merchant.ts'

/** Answers 302, and names the target in the way in which the client named the host it came to. */
export function redirect(visit: Visit, target: Merchant): void {
  const origin = visit.origin.includes('.localhost') ? target.url : target.address
  visit.response.writeHead(302, { location: origin + visit.path }).end()
}
