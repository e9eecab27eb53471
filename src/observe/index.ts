export type { CallMessage, CallSpan, CallTracer, TracedCall } from '../process/call-trace.ts'
export type { TraceCarrier } from '../process/trace-token.ts'
export { type ObservatoryOptions, openObservatory } from './cluster-observatory.ts'
export { mountDashboard, openDashboard } from './dashboard.ts'
export type { Dashboard, MountedDashboard } from './http/dashboard.ts'
export type { DashboardAccess, DashboardOptions, MountOptions, OpenEndpoint } from './http/dashboard-options.ts'
export type {
  Action,
  ActionResult,
  KeyView,
  Observatory,
  Page,
  PageOf,
  PageQuery,
  TailMessage,
  Update,
} from './observatory.ts'
export { type OpenTelemetryOptions, openTelemetry, type Tracing } from './open-telemetry.ts'
export type { ObservedNode } from './report/observed-node.ts'
export type {
  CertificateView,
  ChartColumn,
  ChartNode,
  ChartsView,
  DiscoveryView,
  EventKind,
  EventLoop,
  FunctionView,
  Level,
  LinkError,
  LinksView,
  LinkTls,
  LinkView,
  MatrixCell,
  MatrixRow,
  MatrixView,
  Metric,
  NodeAnswer,
  NodeMemory,
  NodeProcesses,
  NodesView,
  NodeView,
  OddPair,
  Overview,
  Problem,
  ProcessesView,
  ProcessView,
  PubSubNode,
  PubSubsView,
  PubSubView,
  Rtt,
  Runtime,
  SectionName,
  StoreNode,
  StoresView,
  StoreView,
  TimelineEvent,
  TimelineView,
  TopicView,
  TopologyView,
  Traffic,
  Verdict,
  View,
} from './view.ts'
