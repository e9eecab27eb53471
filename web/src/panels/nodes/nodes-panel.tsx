import { useRoute } from '../../route/route.ts'
import { NodePage } from './node-page.tsx'
import { NodesTable } from './nodes-table.tsx'

/** All nodes, or one of them. */
export function NodesPanel() {
  const { item } = useRoute()
  return item === undefined ? <NodesTable /> : <NodePage name={item} />
}
