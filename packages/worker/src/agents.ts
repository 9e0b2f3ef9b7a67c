import http from 'node:http'
import https from 'node:https'

/** The kept-alive connections of one stream. */
export interface StreamAgents {
  readonly http: http.Agent
  readonly https: https.Agent
}

/** Kept-alive connections, each stream's for itself, so that no stream's settings leak into another's sockets. */
export interface Agents {
  of(streamId: string, endpointUrl: string): StreamAgents
  destroy(): void
}

const FREE_IDLE_SOCKETS_MS = 60_000

/** Opens connections as they are needed. Those to an address that a stream has left are not used again. */
export function createAgents(): Agents {
  const kept = new Map<string, { readonly endpointUrl: string; readonly agents: StreamAgents }>()

  return {
    of(streamId, endpointUrl) {
      const known = kept.get(streamId)
      if (known?.endpointUrl === endpointUrl) return known.agents
      const agents = openAgents()
      kept.set(streamId, { endpointUrl, agents })
      return agents
    },
    destroy() {
      for (const { agents } of kept.values()) {
        agents.http.destroy()
        agents.https.destroy()
      }
    },
  }
}

function openAgents(): StreamAgents {
  const options = { keepAlive: true, timeout: FREE_IDLE_SOCKETS_MS }
  return {
    http: new http.Agent(options),
    https: new https.Agent({ ...options, minVersion: 'TLSv1.2', rejectUnauthorized: true }),
  }
}
