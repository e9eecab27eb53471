import type { TopologyView } from '../../../../src/observe/view.ts'
import { ActionButton } from '../../ui/action-button.tsx'
import { Badge } from '../../ui/badge.tsx'
import { formatDuration, plural, shortName } from '../../ui/format.ts'
import { NodeName } from '../../ui/node-name.tsx'
import { Relative } from '../../ui/times.tsx'

/** One topology of one node. */
export function TopologyCard({ topology }: { readonly topology: TopologyView }) {
  const { node, name, strategy, state, counts, found, missing, errors, rejected } = topology
  const absent = new Map(missing.map((entry) => [entry.node, entry.reason]))
  const title = `${name} of ${shortName(node)}`
  return (
    <li class="card topology-item" aria-label={title}>
      <div class="panel-head">
        <h3>
          {name} <span class="soft">on</span> <NodeName name={node} short />
        </h3>
        <Badge tone="indigo">{strategy}</Badge>
        <Badge tone={errors.length > 0 ? 'bad' : state === 'paused' ? 'warn' : 'good'}>
          {errors.length > 0 ? 'failing' : state}
        </Badge>
        {topology.actions && <Actions topology={topology} title={title} />}
      </div>
      <p class="found-line">
        <strong class="number">{counts.connected}</strong> of {plural(counts.found, 'node')} found{' '}
        {counts.found === 1 ? 'is' : 'are'} connected
      </p>
      <p class="soft">
        <Schedule topology={topology} />
      </p>
      {found.length > 0 && (
        <ul class="names" aria-label={`Found by ${title}`}>
          {found.map((peer) => (
            <li key={peer} data-missing={absent.has(peer)}>
              <NodeName name={peer} short />
              {absent.has(peer) && <span class="note">{absent.get(peer) ?? 'not connected'}</span>}
            </li>
          ))}
          {counts.found > found.length && <li>and {counts.found - found.length} more</li>}
        </ul>
      )}
      {errors.map((error) => (
        <p key={error} class="notice wrap-anywhere" data-level="bad">
          {error}
        </p>
      ))}
      {rejected.length > 0 && (
        <ul class="rejected">
          {rejected.map(({ value, reason }) => (
            <li key={value} class="wrap-anywhere">
              Not taken: <code>{value}</code>, {reason}
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}

function Schedule({ topology: { mode, interval, refreshedAt, nextAt } }: { readonly topology: TopologyView }) {
  return (
    <>
      {refreshedAt === null ? (
        'never refreshed'
      ) : (
        <>
          refreshed <Relative at={refreshedAt} />
        </>
      )}
      {mode === 'push'
        ? ', tells by itself'
        : interval === null
          ? ', only when asked'
          : `, every ${formatDuration(interval)}`}
      {nextAt !== null && (
        <>
          , next <Relative at={nextAt} />
        </>
      )}
    </>
  )
}

function Actions({ topology, title }: { readonly topology: TopologyView; readonly title: string }) {
  const { node, name, state } = topology
  return (
    <span class="actions spread">
      <ActionButton action={{ action: 'refresh', node, topology: name }} label={`Refresh ${title}`}>
        Refresh
      </ActionButton>
      {state === 'running' ? (
        <ActionButton action={{ action: 'pause', node, topology: name }} label={`Pause ${title}`}>
          Pause
        </ActionButton>
      ) : (
        <ActionButton action={{ action: 'resume', node, topology: name }} label={`Resume ${title}`}>
          Resume
        </ActionButton>
      )}
    </span>
  )
}
