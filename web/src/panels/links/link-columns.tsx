import type { LinkView, Traffic } from '../../../../src/observe/view.ts'
import { ActionButton } from '../../ui/action-button.tsx'
import { formatByteRate, formatBytes, formatCount, formatMs, orUnknown, shortName } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import type { Column } from '../../ui/table.tsx'
import { LinkState } from './link-state.tsx'

/** Bytes per second and, below, messages; sorted by bytes. */
function flow(id: string, label: string, bytes: keyof Traffic, messages: keyof Traffic): Column<LinkView> {
  return {
    id,
    label,
    hint: `What goes ${id}: bytes and messages per second`,
    numeric: true,
    cell: ({ traffic }) =>
      traffic === null ? (
        '–'
      ) : (
        <span class="stack">
          {formatByteRate(traffic[bytes])}
          <span class="note">{formatCount(traffic[messages])} msg/s</span>
        </span>
      ),
    value: ({ traffic }) => traffic?.[bytes] ?? null,
  }
}

/** @param actors nodes that do what they are told */
export function linkColumns(actions: boolean, actors: ReadonlySet<string>): readonly Column<LinkView>[] {
  const columns: Column<LinkView>[] = [
    { id: 'from', label: 'From', cell: ({ from }) => <NodeName name={from} short />, value: ({ from }) => from },
    { id: 'to', label: 'To', cell: ({ to }) => <NodeName name={to} />, value: ({ to }) => to },
    { id: 'state', label: 'State', cell: (link) => <LinkState link={link} />, value: ({ state }) => state },
    {
      id: 'rtt',
      label: 'RTT',
      hint: 'Round trip: the last, and the median and 99th percentile of the last ones',
      numeric: true,
      cell: ({ rtt }) =>
        rtt === null ? (
          '–'
        ) : (
          <span class="stack" title={`median ${formatMs(rtt.p50)}, p99 ${formatMs(rtt.p99)}`}>
            {formatMs(rtt.last)}
            <span class="note">p99 {formatMs(rtt.p99)}</span>
          </span>
        ),
      value: ({ rtt }) => rtt?.last ?? null,
    },
    flow('in', 'In', 'bytesIn', 'messagesIn'),
    flow('out', 'Out', 'bytesOut', 'messagesOut'),
    {
      id: 'queue',
      label: 'Queue',
      hint: 'Bytes that wait to be sent',
      numeric: true,
      cell: ({ queuedBytes }) => orUnknown(queuedBytes, formatBytes),
      value: ({ queuedBytes }) => queuedBytes,
    },
    {
      id: 'reconnects',
      label: 'Reconnects',
      hint: 'How often it came up again after the first time',
      numeric: true,
      cell: ({ reconnects }) => formatCount(reconnects),
      value: ({ reconnects }) => reconnects,
    },
    {
      id: 'tls',
      label: 'TLS',
      cell: ({ tls }) => (tls === null ? 'no' : <span title={tls.cipher ?? undefined}>{tls.protocol}</span>),
      value: ({ tls }) => tls?.protocol ?? 'no',
    },
    {
      id: 'error',
      label: 'Last error',
      cell: ({ error }) =>
        error === null ? (
          '–'
        ) : (
          <span class="stack error-text">
            {error.reason}
            {error.code !== error.reason && <code class="note">{error.code}</code>}
          </span>
        ),
      value: ({ error }) => (error === null ? null : `${error.code}: ${error.reason}`),
    },
  ]
  if (actions) {
    columns.push({
      id: 'actions',
      label: 'Actions',
      cell: (link) => (actors.has(link.from) ? <LinkActions link={link} /> : null),
    })
  }
  return columns
}

function LinkActions({ link: { from, to, state } }: { readonly link: LinkView }) {
  const pair = `${shortName(to)} from ${shortName(from)}`
  return (
    <span class="actions">
      <ActionButton action={{ action: 'ping', node: from, peer: to }} label={`Ping ${pair}`}>
        Ping
      </ActionButton>
      <ActionButton action={{ action: 'reconnect', node: from, peer: to }} label={`Reconnect ${pair}`}>
        Reconnect
      </ActionButton>
      {state !== 'barred' && (
        <ActionButton
          action={{ action: 'disconnect', node: from, peer: to }}
          label={`Disconnect ${pair}`}
          confirm={`Disconnect ${to} from ${from}? It is not dialled again until somebody connects it.`}
        >
          Disconnect
        </ActionButton>
      )}
    </span>
  )
}
