import type { NodesView } from '../../../src/observe/view.ts'
import { useSection } from '../feed/use-feed.ts'
import { hrefOf } from '../route/route.ts'
import { hostOf, shortName } from './format.ts'
import { RuntimeMark } from './runtime.tsx'

interface NodeNameProps {
  readonly name: string
  /** Without its host, where there is little room. */
  readonly short?: boolean
}

const hostless = new WeakMap<NodesView, boolean>()

/** Whether all nodes are on one host, whose name then tells nothing. */
function onOneHost(nodes: NodesView): boolean {
  let answer = hostless.get(nodes)
  if (answer === undefined) {
    answer = new Set(nodes.nodes.map(({ name }) => hostOf(name))).size === 1
    hostless.set(nodes, answer)
  }
  return answer
}

/** A node's name with its shape, which leads to its page. */
export function NodeName({ name, short = false }: NodeNameProps) {
  const nodes = useSection('nodes')
  const node = nodes?.nodes.find((candidate) => candidate.name === name)
  const host = short || nodes === undefined || onOneHost(nodes) ? '' : hostOf(name)
  return (
    <a class="node-name" href={hrefOf('nodes', name)} title={name}>
      <RuntimeMark runtime={node?.runtime ?? 'unknown'} hidden={node?.visibility === 'hidden'} />
      <span>
        <bdi>{shortName(name)}</bdi>
        {host !== '' && <bdi class="host">@{host}</bdi>}
      </span>
    </a>
  )
}
