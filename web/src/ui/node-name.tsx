import { useSection } from '../feed/use-feed.ts'
import { hrefOf } from '../route/route.ts'
import { hostOf, shortName } from './format.ts'
import { RuntimeMark } from './runtime.tsx'

interface NodeNameProps {
  readonly name: string
  /** Without its host, where there is little room. */
  readonly short?: boolean
}

/** A node's name with its shape, which leads to its page. */
export function NodeName({ name, short = false }: NodeNameProps) {
  const node = useSection('nodes')?.nodes.find((candidate) => candidate.name === name)
  const host = hostOf(name)
  return (
    <a class="node-name" href={hrefOf('nodes', name)} title={name}>
      <RuntimeMark runtime={node?.runtime ?? 'unknown'} hidden={node?.visibility === 'hidden'} />
      <span>
        <bdi>{shortName(name)}</bdi>
        {!short && host !== '' && <bdi class="host">@{host}</bdi>}
      </span>
    </a>
  )
}
