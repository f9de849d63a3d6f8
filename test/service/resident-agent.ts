// The agent of the example. After its task it waits until it is told to end.
process.stdin.resume().once('end', () => process.exit())
await import('../../examples/service/src/agent.ts')
