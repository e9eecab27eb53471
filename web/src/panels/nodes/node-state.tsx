import type { NodeView } from '../../../../src/observe/view.ts'
import { stateText } from '../../topology/map-node.tsx'
import { Badge, type Tone } from '../../ui/badge.tsx'

const TONES: Readonly<Record<NodeView['state'], Tone>> = {
  self: 'indigo',
  connected: 'good',
  remote: 'plain',
  connecting: 'warn',
  barred: 'plain',
  down: 'bad',
}

export function NodeState({ node }: { readonly node: NodeView }) {
  const late = node.answer.state === 'late'
  return (
    <Badge tone={late ? 'warn' : TONES[node.state]} title={node.answer.reason ?? undefined}>
      {stateText(node)}
    </Badge>
  )
}
