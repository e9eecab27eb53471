import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defaultLimits, type Limits } from '../../src/base/limits.ts'
import { isTestOf } from './test-titles.ts'

type Proof = readonly [file: string, title: string]

/** For each limit a test that goes beyond it. */
const crossings: { readonly [limit in keyof Limits]: Proof } = {
  frameBytes: ['fault/frames', 'a length of 4 GiB ends it, and nothing else'],
  handshakeBytes: ['fault/handshake', 'of 64 KiB ends its connection with one line that says so'],
  termDepth: ['term/hostile', 'takes terms as deep as the limit and no deeper'],
  termCount: ['term/hostile', 'counts the parts of a term, also bytes in lists and empty containers'],
  inflatedBytes: ['term/hostile', 'unpacks no further than the size that is claimed and allowed'],
  fragmentedBytes: ['fault/fragments', 'of a message that is too long end their link'],
  fragmentSequences: ['fault/fragments', 'of too many messages end their link'],
  pendingHandshakes: ['fault/handshake', 'of silent connections, however many, keeps nobody else out'],
  failedHandshakes: ['fault/crowd', 'from one address cost nobody else anything, and tell nothing'],
  mailboxMessages: ['process/process', 'ends with mailbox_overflow when its mailbox is full, said once'],
  mailboxBytes: ['fault/ties', 'exit signals fill the mailbox of who traps them, by their size'],
  peerTies: ['fault/ties', 'one more of its links than a peer may have ends its link'],
  linkHighWater: [
    'fault/slow-reader',
    'a peer that does not read stops its own link only, within its limits, and loses nothing when it reads again',
  ],
  linkMax: [
    'dist/link-sender',
    'refuses messages over the hard limit and queues nothing, but never a signal that has to fire',
  ],
  spawnedPerPeer: [
    'node/rpc/hostile',
    'beyond the limit is refused with system_limit, also when processes are killed and functions run on',
  ],
  dialQueue: ['node/local-node', 'is bounded by limits.dialQueue'],
  topologyNames: ['cluster/topology', 'that answers without end is cut off at the limit, and nobody is lost by that'],
  epmdConnections: [
    'epmd/server',
    '2,000 connections that say nothing cost the oldest ones theirs, and nobody a name or an answer',
  ],
  keyAtoms: ['dist/atom-cache', 'counts object keys apart, and says what to use instead'],
  peerAtoms: ['dist/atom-cache', 'counts an atom once and names the limit and the last one'],
  globalEntries: [
    'node/global/requests',
    'names and locks are bounded: further names are left out, further locks refused',
  ],
  pgMembers: ['node/pg/peer-scope', 'keeps no more members of a peer than the limit, and says so once'],
  functionBytes: ['store/functions/source-checker', 'is refused when it nests too deep or is too long, in bytes'],
  storeRequests: ['store/mesh/hostile', 'orders so many writes of one node that it cannot carry out, and no more'],
  storeRequestBytes: [
    'store/mesh/hostile',
    'orders so many bytes of writes of one node that it cannot carry out, and no more',
  ],
  storeLeases: ['store/mesh/hostile', 'grants one node so many leases, and no more'],
}

/** What is no option, by its row on the page. */
const fixed: Readonly<Record<string, Proof | 'own' | 'many'>> = {
  'bytes of a key, with its namespace': ['store/store', 'have no key such as %j'],
  'bytes of a value, or of all values of one `putMany`': [
    'store/mesh/mesh-engine',
    'refuses a write that is larger than what links carry',
  ],
  // Only the program itself gets there; peers have limits of their own before.
  'writes of one node under way': 'own',
  'tries of `update`': 'own',
  // Only many peers together get there, each of them within its own limits.
  'writes a loader has ordered, and has not been able to commit': 'many',
  'keys that are computed at once': 'many',
  'the log for followers that lag behind': [
    'store/replication/voter-replica',
    'lets its log go although its disk takes nothing any more',
  ],
  'nodes, with each restart, whose writes are known to have been made when they are sent again': [
    'store/replication/bounds',
    'writes of more than 10,000 nodes and restarts are remembered by the latest 10,000',
  ],
  'what a node of a store without `members` offers when a partition heals': [
    'store/replication/offering',
    'leaves in parts, and no further part before the loader has merged one',
  ],
  'loaders a store without `members` remembers': [
    'store/replication/bounds',
    'of more than 4,096 loaders the oldest are forgotten',
  ],
  'keys whose changes wait for a reader of `watch`': [
    'store/store',
    'ends with an error when too many keys changed unread',
  ],
  'watches by `GenServer.call`': [
    'store/watches',
    'others may have 10,000 watches of a store at once, and the next one is told so',
  ],
  'viewers at once, pages and tails together': [
    'observe/http/security',
    'let in so many viewers, and tell the others to come later',
  ],
  'bytes that wait for one viewer': [
    'observe/http/streams',
    'holds a bounded number of bytes, is told the end of what it missed, and others all of it',
  ],
  'connections besides those of viewers': [
    'observe/http/security',
    'refuse heads that are too long, and connections that are too many',
  ],
  "a request's head; its body": [
    'observe/http/security',
    'refuse heads that are too long, and connections that are too many',
  ],
  "time for a request's head; for all of it": ['observe/http/security', 'end who sends no request, or half of one'],
  'time in which nothing passes over a connection': ['observe/http/security', 'end who does not read an answer'],
  'wrong tokens of an address, in a minute': [
    'observe/http/security',
    'that is wrong is logged, and ten of them in a minute are as many as an address has',
  ],
  'peers that have metrics of their own': ['observe/http/metrics', 'are two hundred, and what the others are together'],
}

const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8')
const tables = page.split(/\n\n/).filter((part) => part.startsWith('| '))
const rowsOf = (table: string | undefined): string[] =>
  (table ?? '')
    .split('\n')
    .slice(2)
    .flatMap((row) => row.slice(2).split(' | ')[0] ?? [])

describe('docs/limits.md', () => {
  const [options, ...others] = tables

  it('has a row for each limit that is an option, and no other', () => {
    expect(rowsOf(options)).toEqual(Object.keys(defaultLimits).map((name) => `\`${name}\``))
  })

  it('has a row for each limit that is none, and no other', () => {
    expect(others.flatMap(rowsOf).sort()).toEqual(Object.keys(fixed).sort())
  })
})

describe('a test goes beyond', () => {
  const proofs = [...Object.entries(crossings), ...Object.entries(fixed)].flatMap(([limit, proof]) =>
    typeof proof === 'string' ? [] : [[limit, ...proof] as const],
  )

  it.each(proofs)('%s', (_limit, file, title) => {
    expect(isTestOf(`test/${file}.test.ts`, title), `test/${file}.test.ts has no test "${title}"`).toBe(true)
  })
})
