import type { DiscoveryHost } from '../node/discovery-host.ts'
import type { NodeService } from '../node/service.ts'

/** What a topology needs of its node. */
export type TopologyHost = Omit<DiscoveryHost, keyof NodeService | 'netTickTime'>
