export { type Access, access, type OperationName } from './access.ts'
export {
  type BursarConfig,
  defineConfig,
  type Environment,
  type ListenOptions,
  readSettings,
  type Settings,
} from './config.ts'
export { openGuard } from './guard.ts'
export type { IdentityOptions } from './identity-provider.ts'
export type { Problem } from './problem.ts'
export type { RequestLog, RequestLogEntry } from './request-log.ts'
export { type ServeOptions, type Service, serve } from './service.ts'
export { EXAMPLE_KEY } from './unsafe.ts'
