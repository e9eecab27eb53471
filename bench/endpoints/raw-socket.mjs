/**
 * The ceiling: `node:net` with four-byte lengths and nothing else. Small frames are gathered into one write per 64 KiB, the
 * receiver hands each frame over whole.
 */
import { connect, createServer } from 'node:net'
import { callers } from '../harness/callers.mjs'
import { obey } from '../harness/obey.mjs'
import { Tally } from '../harness/tally.mjs'
import { noise, payloadOf } from '../payloads.mjs'

const gather = 65_536
const tally = new Tally()
let expected = payloadOf('tuple')

/**
 * Calls `each` with every whole frame: a view of the chunk it lies in, or a copy where it came in several.
 *
 * @param {(frame: Buffer) => void} each
 */
function frames(each) {
  const header = Buffer.alloc(4)
  let headed = 0
  /** @type {Buffer | undefined} */
  let frame
  let filled = 0
  /** @param {Buffer} chunk */
  return (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (frame !== undefined) {
        const copied = chunk.copy(frame, filled, at)
        at += copied
        filled += copied
        if (filled < frame.length) return
        each(frame)
        frame = undefined
        continue
      }
      let length = 0
      if (headed === 0 && chunk.length - at >= 4) {
        length = chunk.readUInt32BE(at)
        at += 4
      } else {
        header[headed++] = chunk.readUInt8(at++)
        if (headed < 4) continue
        headed = 0
        length = header.readUInt32BE(0)
      }
      if (chunk.length - at >= length) {
        each(chunk.subarray(at, at + length))
        at += length
      } else {
        frame = Buffer.allocUnsafe(length)
        filled = 0
      }
    }
  }
}

/** @param {(socket: import('node:net').Socket) => void} serve */
async function listen(serve) {
  const server = createServer({ noDelay: true }, serve)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('has no port')
  return address.port
}

/** @param {string | undefined} port */
async function dial(port) {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket
}

/** Frames written in one turn leave as one write. @param {import('node:net').Socket} socket */
function frameWriter(socket) {
  /** @type {Buffer[]} */
  let pending = []
  return () => {
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(4)
    if (pending.push(frame) > 1) return
    queueMicrotask(() => {
      socket.write(pending.length === 1 ? frame : Buffer.concat(pending))
      pending = []
    })
  }
}

/** @type {import('node:net').Socket} */
let sink
/** @type {() => void} */
let write
/** Answers come in the order of the questions. @type {(() => void)[]} */
const waiting = []

/** @param {import('node:net').Socket} socket @param {number} count @param {number} length */
async function flood(socket, count, length) {
  const drained = () => new Promise((resolve) => socket.once('drain', resolve))
  if (length >= gather) {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(length)
    const body = noise(length)
    for (let left = count; left > 0; left--) {
      socket.cork()
      socket.write(header)
      const roomy = socket.write(body)
      socket.uncork()
      if (!roomy) await drained()
    }
    return
  }
  const body = noise(length)
  const perWrite = Math.floor(gather / (4 + length))
  for (let left = count; left > 0; ) {
    const batch = Math.min(left, perWrite)
    const bytes = Buffer.allocUnsafe(batch * (4 + length))
    for (let at = 0; at < bytes.length; at += 4 + length) {
      bytes.writeUInt32BE(length, at)
      bytes.set(body, at + 4)
    }
    left -= batch
    if (!socket.write(bytes)) await drained()
  }
}

await obey({
  async listen() {
    const sinkPort = await listen((socket) => {
      socket.on(
        'data',
        frames((frame) => tally.take(frame.length === expected.bytes ? expected.check : 0)),
      )
    })
    const echoPort = await listen((socket) => {
      socket.on('data', frames(frameWriter(socket)))
    })
    return { address: `${sinkPort} ${echoPort}` }
  },
  async connect(sinkPort, echoPort) {
    sink = await dial(sinkPort)
    const echo = await dial(echoPort)
    write = frameWriter(echo)
    echo.on(
      'data',
      frames(() => waiting.shift()?.()),
    )
  },
  arm(payload, count) {
    expected = payloadOf(payload)
    tally.arm(Number(count))
  },
  collect: () => tally.collect(),
  flood: (payload, count) => flood(sink, Number(count), payloadOf(payload).bytes),
  ...callers(
    () =>
      new Promise((resolve) => {
        waiting.push(() => resolve(undefined))
        write()
      }),
  ),
})
