export {
  type PayingMcpFetch,
  type PayingMcpFetchOptions,
  payingMcpFetch,
} from './paying-mcp-fetch.ts'
export {
  type McpTransport,
  type PayingTransportOptions,
  payingTransport,
} from './paying-transport.ts'
export { type PaymentHandler, paymentHandler } from './payment-handler.ts'
export { type PaymentServerOptions, paymentServer } from './payment-server.ts'
