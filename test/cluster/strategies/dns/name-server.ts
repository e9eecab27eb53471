import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'

/** Types of records by number. Source: RFC 1035, 3596, 2782. */
const TYPES: Readonly<Record<number, string>> = { 1: 'A', 12: 'PTR', 28: 'AAAA', 33: 'SRV' }
const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const

/**
 * What a server says to one question: texts of records, how it fails, nothing at all, bytes that are no answer, or that there is more by TCP,
 * where nobody is. */
export type Said = readonly string[] | keyof typeof RCODES | 'silence' | 'garbage' | 'truncated'

/** A DNS server of UDP that answers as a test wants, which no real one would. */
export class NameServer implements AsyncDisposable {
  readonly port: number
  /** Questions so far, as `A app.test`. */
  readonly asked: string[] = []
  /** Answers, by question. What is not here does not exist. */
  zone: Readonly<Record<string, Said>>
  /** What it says to all questions instead. */
  always: Said | undefined
  /** Makes something else of each answer, behind its first two bytes. */
  spoil: (rest: Buffer) => Buffer = (rest) => rest
  readonly #socket: Socket

  private constructor(socket: Socket, zone: Readonly<Record<string, Said>>) {
    this.#socket = socket
    this.port = socket.address().port
    this.zone = zone
    socket.on('message', (packet, { port, address }) => {
      const answer = this.#answer(packet)
      if (answer === undefined) return
      const spoilt = Buffer.concat([answer.subarray(0, 2), this.spoil(answer.subarray(2))])
      socket.send(spoilt, port, address)
    })
  }

  static async open(zone: Readonly<Record<string, Said>>): Promise<NameServer> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new NameServer(socket, zone)
  }

  /** As the option `servers` has it. */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  #answer(query: Buffer): Buffer | undefined {
    const { name, type, end } = readQuestion(query)
    const question = `${TYPES[type]} ${name}`
    this.asked.push(question)
    const said = this.always ?? this.zone[question] ?? this.#absent(name)
    if (said === 'silence') return undefined
    if (said === 'garbage') return Buffer.concat([query.subarray(0, 2), Buffer.from('8180ffffffffffffffff', 'hex')])
    const answers = typeof said === 'string' ? [] : said.map((text) => record(type, text))
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(said === 'truncated' ? 0x8780 : 0x8580 | (typeof said === 'string' ? RCODES[said] : 0), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(answers.length, 6)
    return Buffer.concat([header, query.subarray(12, end), ...answers])
  }

  /** A name that has another type exists. */
  #absent(name: string): Said {
    return Object.keys(this.zone).some((question) => question.endsWith(` ${name}`)) ? [] : 'NXDOMAIN'
  }
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] as number; length > 0; length = query[at] as number) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  // c-ares mixes cases (0x20) in some versions.
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** One resource record whose name is that of the question. */
function record(type: number, text: string): Buffer {
  const data = dataOf(type, text)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function dataOf(type: number, text: string): Buffer {
  if (TYPES[type] === 'A') return Buffer.from(text.split('.').map(Number))
  if (TYPES[type] === 'AAAA') return ipv6(text)
  if (TYPES[type] === 'PTR') return domain(text)
  const [port, target = ''] = text.split(' ')
  const numbers = Buffer.alloc(6)
  numbers.writeUInt16BE(Number(port), 4)
  return Buffer.concat([numbers, domain(target)])
}

function domain(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ])
}

function ipv6(text: string): Buffer {
  if (!isIPv6(text)) throw new Error(`${text} is no IPv6 address`)
  const [front = '', back] = text.split('::') as [string, string | undefined]
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((it) => Number.parseInt(it, 16)))
  const [first, last] = [groups(front), groups(back ?? '')]
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last]
  return Buffer.from(Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255])))
}
