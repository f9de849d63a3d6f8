// The agent of the example, which stays when it has done its task, until it is told to end.
process.stdin.resume().once('end', () => process.exit())
await import('../../examples/service/src/agent.ts')
