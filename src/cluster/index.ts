export type { EpmdDirectory, EpmdEntry } from '../node/epmd-directory.ts'
export { type Diagnosis, diagnose } from './diagnose.ts'
export type { Check, Step } from './diagnosis/check.ts'
export { DiscoveryError } from './discovery-error.ts'
export { type CustomOptions, custom } from './strategies/custom.ts'
export type { DnsQuery } from './strategies/dns/dns-options.ts'
export { type DnsOptions, dns } from './strategies/dns.ts'
export { type DnsSrvOptions, dnsSrv } from './strategies/dns-srv.ts'
export { epmd } from './strategies/epmd.ts'
export { type ErlangHostsOptions, erlangHosts } from './strategies/erlang-hosts.ts'
export { type GossipOptions, gossip } from './strategies/gossip.ts'
export { type KubernetesOptions, kubernetes } from './strategies/kubernetes.ts'
export { localEpmd } from './strategies/local-epmd.ts'
export { type PostgresOptions, postgres } from './strategies/postgres.ts'
export { staticNodes } from './strategies/static-nodes.ts'
export type {
  Answer,
  FoundNode,
  FoundNodes,
  PartialAnswer,
  PullStrategy,
  PushStrategy,
  Strategy,
  StrategyContext,
} from './strategy.ts'
export type { ClusterMessage } from './telemetry.ts'
export type { Topology } from './topology.ts'
export type {
  FailedNode,
  RefreshResult,
  RejectedName,
  TopologyEvent,
  TopologyEvents,
  TopologySchedule,
} from './topology-events.ts'
export type { OwnFunctionContext, TopologyChanges, TopologyOptions } from './topology-options.ts'
