import type { ComponentType } from 'preact'
import { DiscoveryPanel } from '../panels/discovery/discovery-panel.tsx'
import { LinksPanel } from '../panels/links/links-panel.tsx'
import { MatrixPanel } from '../panels/matrix/matrix-panel.tsx'
import { NodesPanel } from '../panels/nodes/nodes-panel.tsx'
import { OverviewPanel } from '../panels/overview/overview-panel.tsx'
import { ProcessesPanel } from '../panels/processes/processes-panel.tsx'
import { PubSubPanel } from '../panels/pubsub/pubsub-panel.tsx'
import { StorePanel } from '../panels/store/store-panel.tsx'
import { TimelinePanel } from '../panels/timeline/timeline-panel.tsx'
import {
  DiscoveryIcon,
  LinkIcon,
  MapIcon,
  MatrixIcon,
  NodeIcon,
  ProcessIcon,
  PubSubIcon,
  StoreIcon,
  TimelineIcon,
} from '../ui/icons.tsx'

export interface Panel {
  /** In the address. */
  readonly id: string
  readonly title: string
  readonly Icon: ComponentType
  readonly View: ComponentType
}

/** In the order of the navigation, and of the keys 1 to 9. */
export const PANELS: readonly Panel[] = [
  { id: '', title: 'Overview', Icon: MapIcon, View: OverviewPanel },
  { id: 'nodes', title: 'Nodes', Icon: NodeIcon, View: NodesPanel },
  { id: 'links', title: 'Links', Icon: LinkIcon, View: LinksPanel },
  { id: 'matrix', title: 'Who sees whom', Icon: MatrixIcon, View: MatrixPanel },
  { id: 'timeline', title: 'Timeline', Icon: TimelineIcon, View: TimelinePanel },
  { id: 'discovery', title: 'Discovery', Icon: DiscoveryIcon, View: DiscoveryPanel },
  { id: 'processes', title: 'Processes', Icon: ProcessIcon, View: ProcessesPanel },
  { id: 'pubsub', title: 'Pub/sub', Icon: PubSubIcon, View: PubSubPanel },
  { id: 'store', title: 'Store', Icon: StoreIcon, View: StorePanel },
]

/** The panel of an address; the first for what is none. */
export function panelOf(id: string): Panel {
  return PANELS.find((panel) => panel.id === id) ?? (PANELS[0] as Panel)
}
