import { createAgents } from '../../packages/worker/src/agents.ts'
import { push } from '../../packages/worker/src/push.ts'
import { createResolver } from '../../packages/worker/src/resolver.ts'

// One push in a process of its own, whose environment may try to change its way. Prints the answer.
const { network, connection } = JSON.parse(process.argv[2] ?? '{}')
const agents = createAgents(network)
const answer = await push(
  { streamId: 'a', connection, signedSet: 'head.payload.signature', authorizationHeader: undefined, timeoutMs: 3000 },
  { agents, resolve: createResolver(network), signal: new AbortController().signal },
)
agents.destroy()
console.log(JSON.stringify(answer))
