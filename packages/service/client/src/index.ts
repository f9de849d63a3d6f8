export { type ConnectOptions, connect } from './connect.ts'
export { connectEndUser, type RemoteEndUser } from './end-user.ts'
export type { EndpointOptions } from './endpoint.ts'
export { connectManagement, type RemoteManagement } from './management.ts'
