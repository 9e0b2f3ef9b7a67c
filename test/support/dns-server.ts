import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet'

/** What a name server knows of one name. Of a name that it does not know, it says so. */
export interface Zone {
  readonly [name: string]: NameRecords
}

/** Addresses by type, another name to look under, or what becomes of the question instead. */
export type NameRecords =
  | { readonly a?: readonly string[] | 'silent'; readonly aaaa?: readonly string[] | 'silent'; readonly ttl?: number }
  | { readonly cname: string }
  | 'silent'
  | 'servfail'

/** A name server on 127.0.0.1. */
export interface DnsServer {
  /** As `RISC_DNS_SERVERS` takes it. */
  readonly address: string
  /** Set it to change what is answered from now on. */
  zone: Zone
  /** The names that were asked for, with their types, such as `partner.example A`. */
  readonly questions: readonly string[]
  /** Called with all questions so far before the last one is answered. */
  onQuestion: (questions: readonly string[]) => void
  close(): void
}

const NAME_ERROR = 3
const SERVER_FAILURE = 2

export async function openDnsServer(zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const questions: string[] = []
  socket.on('message', (message, { port, address }) => {
    const query = decode(message)
    const [question] = query.questions ?? []
    if (question === undefined) return
    questions.push(`${question.name} ${question.type}`)
    server.onQuestion(questions)
    const found = find(question.name, question.type, server.zone)
    if (found === 'silent') return
    const reply = encode({
      type: 'response',
      ...(query.id !== undefined && { id: query.id }),
      flags: AUTHORITATIVE_ANSWER | found.failure,
      questions: [question],
      answers: found.answers,
    })
    socket.send(reply, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    zone,
    questions,
    onQuestion: () => undefined,
    close: () => void socket.close(),
  }
  return server
}

function find(name: string, type: string, zone: Zone): 'silent' | { failure: number; answers: Answer[] } {
  const records = zone[name]
  if (records === undefined) return { failure: NAME_ERROR, answers: [] }
  if (records === 'silent') return 'silent'
  if (records === 'servfail') return { failure: SERVER_FAILURE, answers: [] }
  if ('cname' in records) {
    const rest = find(records.cname, type, zone)
    if (rest === 'silent') return rest
    return { ...rest, answers: [{ name, type: 'CNAME', ttl: 60, data: records.cname }, ...rest.answers] }
  }
  const data = type === 'A' ? records.a : type === 'AAAA' ? records.aaaa : []
  if (data === 'silent') return data
  const answers = (data ?? []).map((address) => ({ name, type: type as 'A', ttl: records.ttl ?? 60, data: address }))
  return { failure: 0, answers }
}
