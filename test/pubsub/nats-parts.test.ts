import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { countEntries, eachEntry, header, MESSAGES, readPacket, stamp } from '../../src/pubsub/engines/nats/packet.ts'
import { Publisher } from '../../src/pubsub/engines/nats/publisher.ts'
import { RecentMap } from '../../src/pubsub/engines/nats/recent-map.ts'
import { Sequences } from '../../src/pubsub/engines/nats/sequences.ts'
import { covers, Subjects } from '../../src/pubsub/engines/nats/subjects.ts'
import { literalStart, matcher } from '../../src/pubsub/pattern.ts'
import { decode, type Term } from '../../src/term/index.ts'
import { Cluster } from '../node/cluster.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'B', ':', '.', '*', '>', '%', ' ', '\r\n', '\0', 'ü', '日', '𝄞') })

describe('subjects of topics', () => {
  const subjects = new Subjects('tsunagi', 'MyApp.PubSub')

  it('are what NATS takes, and tell the topic', () => {
    fc.assert(
      fc.property(text, (topic) => {
        const { subject, named } = subjects.ofTopic(topic)
        expect(subject).toMatch(/^[!-)+-=?-~]+$/)
        expect(subject.split('.')).not.toContain('')
        expect(named ? topic : subjects.topicOf(subject)).toBe(topic)
      }),
    )
  })

  it('are what the documentation says', () => {
    expect(subjects.ofTopic('sensor:1').subject).toBe('tsunagi.MyApp%2EPubSub.t.sensor.1')
    expect(subjects.ofTopic('').subject).toBe('tsunagi.MyApp%2EPubSub.t.%')
    expect(subjects.ofTopic('a::b').subject).toBe('tsunagi.MyApp%2EPubSub.t.a.%.b')
    expect(subjects.ofNode('a@127.0.0.1')).toBe('tsunagi.MyApp%2EPubSub.d.a%40127%2E0%2E0%2E1')
    expect(subjects.ofTopic('x'.repeat(2000))).toEqual({
      subject: expect.stringMatching(/^tsunagi\.MyApp%2EPubSub\.l\.[\w-]{43}$/),
      named: true,
    })
  })

  it('are covered by those of every pattern that the topic matches', () => {
    const topics = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*') })
    fc.assert(
      fc.property(topics, topics, (pattern, topic) => {
        fc.pre(matcher(pattern)(topic))
        const { subject } = subjects.ofTopic(topic)
        const wildcards = subjects.beginningWith(literalStart(pattern))
        expect(wildcards.filter((wildcard) => covers(wildcard, subject))).toHaveLength(1)
      }),
    )
  })

  it('stand for no topic when they are written in another way', () => {
    for (const token of ['%41', '%2e', 'a.', 'a..b', '%f', '%FF', 'é', '*', '']) {
      expect(subjects.topicOf(`tsunagi.MyApp%2EPubSub.t.${token}`)).toBeUndefined()
    }
    expect(subjects.topicOf('tsunagi.Other.t.a')).toBeUndefined()
  })
})

describe('packets', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(text, fc.nat(2 ** 32), fc.boolean(), fc.option(text, { nil: undefined }), (node, n, first, topic) => {
        const packet = header(MESSAGES, n, node, topic)
        stamp(packet, n * 1000, first)
        const body = packet.length
        const expected = { kind: MESSAGES, sender: n, sequence: n * 1000, first, node, topic, body }
        expect(readPacket(packet)).toEqual(expected)
        expect(readPacket(Buffer.concat([packet, Buffer.from('more')]))).toEqual(expected)
        for (let end = 0; end < packet.length; end++) expect(readPacket(packet.subarray(0, end))).toBeUndefined()
      }),
    )
  })

  it('are none, and never an exception, when they are anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const begin of [[], [1], [1, 0, 0], [1, 0, 1]]) {
          const packet = Buffer.from([...begin, ...bytes])
          const read = readPacket(packet)
          if (read !== undefined) expect(read.body).toBeLessThanOrEqual(packet.length)
          const count = countEntries(packet, read?.body ?? 0)
          let seen = 0
          if (count !== undefined) eachEntry(packet, read?.body ?? 0, () => void seen++)
          expect(seen).toBe(count ?? 0)
        }
      }),
    )
  })
})

describe('a publisher', () => {
  const subjects = new Subjects('p', 'n')

  function publisher(maxBytes = 100_000) {
    const sent: { subject: string; sequence: number; first: boolean; topic: string | undefined; terms: Term[] }[] = []
    const made = new Publisher({
      sender: 1,
      node: 'a@b',
      subjects,
      maxBytes: () => maxBytes,
      send(subject, packet, messages) {
        const terms: Term[] = []
        const { body, sequence, first, topic } = readPacket(packet) as NonNullable<ReturnType<typeof readPacket>>
        eachEntry(packet, body, (entry) => void terms.push(decode(entry)))
        expect(terms).toHaveLength(messages)
        expect(packet.length).toBeLessThanOrEqual(maxBytes)
        sent.push({ subject, sequence, first, topic, terms })
      },
    })
    return { made, sent }
  }

  it('puts what goes to one subject in a turn into one packet, and numbers what it sends', async () => {
    const { made, sent } = publisher()
    for (const [topic, message] of ['a1', 'a2', 'b3', 'a4'] as string[]) made.publish(topic as string, message, false)
    made.publishTo('c@d', 'a', 5, false)
    made.publishTo('c@d', 'b', 6, false)
    expect(sent).toHaveLength(4)
    await Promise.resolve()
    made.publish('a', '7', false)
    made.flush()
    expect(sent.map(({ subject, sequence, first, topic, terms }) => [subject, sequence, first, topic, terms])).toEqual([
      ['p.n.t.a', 0, true, undefined, ['1', '2']],
      ['p.n.t.b', 2, true, undefined, ['3']],
      ['p.n.t.a', 2, false, undefined, ['4']],
      ['p.n.d.c%40d', 4, true, 'a', [5]],
      ['p.n.d.c%40d', 5, false, 'b', [6]],
      ['p.n.t.a', 3, false, undefined, ['7']],
    ])
  })

  it('leaves nothing of a message that cannot be encoded, and takes the others of the turn', () => {
    const { made, sent } = publisher()
    made.publish('a', 1, false)
    const bad = { x: [{ y: Symbol('no') }] } as unknown as Term
    expect(() => made.publish('a', bad, false)).toThrow(/x\[0\]\.y/)
    made.publish('a', 2, false)
    made.flush()
    expect(sent.map(({ terms }) => terms)).toEqual([[1, 2]])
  })

  it('lets a getter of a message publish something itself', () => {
    const { made, sent } = publisher()
    const message = {
      get inner(): number {
        made.publish('a', 'from within', false)
        return 1
      },
    }
    made.publish('a', message, false)
    made.flush()
    expect(sent.map(({ terms }) => terms)).toEqual([['from within', { inner: 1 }]])
  })

  it('begins a new packet where the server’s limit or a good size is reached', () => {
    const { made, sent } = publisher(1000)
    for (let i = 0; i < 20; i++) made.publish('a', 'x'.repeat(300), false)
    expect(() => made.publish('a', 'x'.repeat(1000), false)).toThrow(/takes 10\d\d bytes.*allows 1000/)
    made.flush()
    expect(sent.flatMap(({ terms }) => terms)).toHaveLength(20)
    expect(sent.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 7 }, (_, i) => i * 3))
  })

  it('numbers higher than before what goes to a subject that it had forgotten', () => {
    const { made, sent } = publisher()
    const sequences = new Sequences(() => undefined)
    const publish = (topic: string): void => {
      made.publish(topic, 1, false)
      made.flush()
    }
    publish('a')
    publish('a')
    for (let i = 0; i < 20_000; i++) publish(`other ${i}`)
    publish('a')
    const ofA = sent.filter(({ subject }) => subject === 'p.n.t.a')
    expect(ofA.map(({ first }) => first)).toEqual([true, false, true])
    const stream = sequences.of('p.n.t.a')
    expect(ofA.map(({ sequence, first }) => sequences.take(stream, 1, sequence, 1, first))).toEqual([0, 0, 0])
  })

  it('writes the keys of objects as it is told', () => {
    const { made, sent } = publisher()
    made.publish('a', { k: 1 }, true)
    made.publish('a', { k: 1 }, false)
    made.flush()
    expect(sent[0]?.terms).toEqual([new Map([['k', 1]]), { k: 1 }])
  })
})

describe('sequences', () => {
  it('tell gaps, copies, and what begins anew, for each sender and subject', () => {
    const sequences = new Sequences((subject) => subject.toUpperCase())
    const take = (subject: string, sender: number, sequence: number, count: number, first = false): number =>
      sequences.take(sequences.of(subject), sender, sequence, count, first)
    expect(sequences.of('a').topic).toBe('A')
    expect([take('a', 1, 5, 2), take('a', 1, 7, 1), take('a', 1, 7, 1), take('a', 1, 10, 1)]).toEqual([0, 0, -1, 2])
    expect([take('a', 2, 1, 1), take('b', 1, 3, 1), take('a', 1, 50, 1, true)]).toEqual([0, 0, 0])
    sequences.forget('a')
    expect([take('a', 1, 90, 1), take('b', 1, 5, 1)]).toEqual([0, 1])
    sequences.forgetAll((subject) => subject === 'b')
    expect([take('a', 1, 91, 1), take('b', 1, 50, 1)]).toEqual([0, 0])
  })

  it('keep what is in use, and no more than a bound, whatever comes', () => {
    const sequences = new Sequences(() => undefined, 100)
    for (let i = 0; i < 10_000; i++) {
      const hot = sequences.of('hot')
      expect(sequences.take(hot, 1, i, 1, false)).toBe(0)
      sequences.take(sequences.of(`subject ${i}`), i, 0, 1, false)
    }
    const crowded = sequences.of('crowded')
    for (let i = 0; i < 10_000; i++) {
      sequences.take(sequences.of('crowded'), i, 0, 1, false)
      expect(crowded.next.size).toBeLessThanOrEqual(51)
    }
  })
})

it('a recent map forgets what was not asked for in a long time', () => {
  const map = new RecentMap<number>(10)
  map.set('kept', 1)
  for (let i = 0; i < 100; i++) {
    map.set(`${i}`, i)
    expect(map.get('kept')).toBe(1)
  }
  expect([map.get('0'), map.get('99')]).toEqual([undefined, 99])
})

it('the NATS engine says what to install when its package is missing', async () => {
  const missing = Object.assign(new Error("Cannot find package '@nats-io/transport-node'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })
  vi.doMock('../../src/base/optional-package.ts', async (original) => {
    const { loadOptional } = await original<typeof import('../../src/base/optional-package.ts')>()
    return { loadOptional: (name: string, what: string) => loadOptional(name, what, () => Promise.reject(missing)) }
  })
  const { nats } = await import('../../src/pubsub/nats/index.ts')
  await using cluster = await Cluster.create()
  const node = await cluster.start('a')
  const pubsub = node.pubsub('MyApp.PubSub', { engine: nats() })
  await expect(pubsub.ready()).rejects.toMatchObject({
    code: 'ERR_PACKAGE_MISSING',
    message: expect.stringContaining('npm install @nats-io/transport-node'),
  })
})
