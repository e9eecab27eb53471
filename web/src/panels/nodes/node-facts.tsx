import type { ComponentChildren } from 'preact'
import type { NodeView } from '../../../../src/observe/view.ts'
import { formatBytes, formatCount, formatMs, formatShare, shortName } from '../../ui/format.ts'
import { Clock, Since } from '../../ui/times.tsx'

type Fact = readonly [title: string, value: ComponentChildren]

/** Groups of facts; what is not known is left out. */
export function NodeFacts({ node }: { readonly node: NodeView }) {
  return (
    <div class="cards">
      <Facts title="Runtime" facts={runtimeFacts(node)} />
      <Facts title="Load" facts={loadFacts(node)} />
      <Facts title="Memory" facts={memoryFacts(node)} />
      <Facts title="Network" facts={networkFacts(node)} />
    </div>
  )
}

function Facts({ title, facts }: { readonly title: string; readonly facts: readonly Fact[] }) {
  if (facts.length === 0) return null
  return (
    <section class="card" aria-label={title}>
      <h3>{title}</h3>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function runtimeFacts({ versions, os, startedAt, creation }: NodeView): Fact[] {
  const facts: Fact[] = Object.entries(versions).map(([name, version]) => [name, <code key={name}>{version}</code>])
  if (os !== null) {
    facts.push(['system', `${os.platform} ${os.release}, ${os.arch}`], ['host', os.host])
    facts.push(['process id', String(os.pid)], ['processors', String(os.cpus)])
  }
  if (startedAt !== null) facts.push(['started', <Clock key="started" at={startedAt} />])
  if (creation !== null) facts.push(['creation', <code key="creation">{creation}</code>])
  return facts
}

function loadFacts({ eventLoop, cpu, processes }: NodeView): Fact[] {
  const facts: Fact[] = []
  if (eventLoop !== null) {
    facts.push(
      ['event-loop delay', `median ${formatMs(eventLoop.p50)}`],
      ['event-loop delay, p99', formatMs(eventLoop.p99)],
      ['event-loop delay, worst', formatMs(eventLoop.max)],
      ['event loop busy', formatShare(eventLoop.utilisation)],
    )
  }
  if (cpu !== null) facts.push(['processor', formatShare(cpu)])
  if (processes !== null) {
    facts.push(['processes', formatCount(processes.count)], ['registered names', formatCount(processes.names)])
    if (processes.mailbox !== null) facts.push(['messages in mailboxes', formatCount(processes.mailbox)])
    if (processes.runQueue !== null) facts.push(['run queue', formatCount(processes.runQueue)])
  }
  return facts
}

const MEMORY = [
  ['in all', 'total'],
  ['heap used', 'heapUsed'],
  ['heap', 'heapTotal'],
  ['outside the heap', 'external'],
  ['processes', 'processes'],
  ['binaries', 'binary'],
  ['ets', 'ets'],
  ['atoms', 'atom'],
  ['code', 'code'],
] as const

function memoryFacts({ memory }: NodeView): Fact[] {
  if (memory === null) return []
  return MEMORY.flatMap(([title, key]): Fact[] => {
    const bytes = memory[key]
    return bytes === null ? [] : [[title, formatBytes(bytes)]]
  })
}

function networkFacts({ listening, servesEpmd, seenBy, certificates, since, answer }: NodeView): Fact[] {
  const facts: Fact[] = [['in this state for', <Since key="since" at={since} />]]
  if (listening !== null) {
    const places = listening.map(({ host, port, tls }) => `${host}:${port}${tls ? ' (TLS)' : ''}`)
    facts.push(['listens on', places.join(', ') || 'nothing: it only dials'])
  }
  if (servesEpmd !== null) facts.push(['serves the EPMD', servesEpmd ? 'yes' : 'no'])
  facts.push(['seen by', seenBy.length === 0 ? 'nobody' : seenBy.map(shortName).join(', ')])
  if (answer.at !== null) facts.push(['last answer', <Clock key="answer" at={answer.at} />])
  for (const { subject, expires, of } of certificates) {
    facts.push([
      `certificate, ${of === 'own' ? 'its own' : `of ${shortName(of)}`}`,
      <>
        {subject}, until {new Date(expires).toLocaleDateString()}
      </>,
    ])
  }
  return facts
}
