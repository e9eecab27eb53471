export type { ErrorCode } from './base/errors.ts'
export { OptionError, TsunagiError } from './base/errors.ts'
export { defaultLimits, type Limits } from './base/limits.ts'
export { type Logger, silentLogger, stderrLogger } from './base/logger.ts'
export type { LinkTls } from './dist/carrier.ts'
export { ConnectError } from './dist/connect-error.ts'
export type { AcceptCounts } from './dist/listener.ts'
export type { Certificate } from './dist/tls-certificate.ts'
export type { OwnCertificate } from './dist/tls-credentials.ts'
export type { TlsOptions, TlsRoleOptions, TlsSource, TlsVersion } from './dist/tls-options.ts'
export type { EpmdOptions } from './epmd/epmd-options.ts'
export type { Global, LockOptions, RegisterNameOptions, Resolve, TransOptions } from './node/global/global.ts'
export type { LinkInfo, LocalNode, LocalNodeEvents } from './node/local-node.ts'
export type { MonitorNodesOptions, NodeDownReason, NodeEvent, NodeInfo } from './node/node-monitor.ts'
export type { ListenOptions, NodeOptions } from './node/node-options.ts'
export type { PeerInfo } from './node/peer-info.ts'
export type { PgEvent } from './node/pg/groups.ts'
export type { PgMessageOptions, PgMonitor, PgMonitorOptions, PgScopeMonitor } from './node/pg/pg-monitor.ts'
export type { PgMember, PgScope, PgScopeEvents } from './node/pg/pg-scope.ts'
export type {
  CallContext,
  ExposedFunction,
  ExposedFunctions,
  ExposedWithArity,
  ExposeOptions,
  Exposure,
} from './node/rpc/exposed.ts'
export type { FunctionSchemas, ProxyOptions, RemoteModule } from './node/rpc/proxy.ts'
export type { RpcOptions } from './node/rpc/rpc.ts'
export { type ExceptionClass, RpcError, type RpcErrorCode } from './node/rpc/rpc-error.ts'
export { SchemaError, type SchemaIssue } from './node/rpc/schema-error.ts'
export type { StandardIssue, StandardResult, StandardSchemaV1 } from './node/rpc/standard-schema.ts'
export { SyncNodesError, type SyncNodesOptions } from './node/sync-nodes.ts'
export type { WaitOptions } from './node/waiting.ts'
export type { Destination, NamedAddress } from './process/address.ts'
export type { CallOptions } from './process/call.ts'
export { CallError } from './process/call-error.ts'
export { ErlangError, ExitError } from './process/exit-reason.ts'
export type { From } from './process/from.ts'
export { GenServer, noReply, type ServerHandlers, type ServerProcess, type ServerSource } from './process/gen-server.ts'
export type { MultiCallResult } from './process/multi-call.ts'
export type { Process, ProcessBody, SpawnOptions } from './process/process.ts'
export type { ProcessInfo, ProcessKind } from './process/process-info.ts'
export type { ProcessSurvey, SurveyOptions } from './process/process-survey.ts'
export type { ProcessCounts } from './process/process-system.ts'
export type { ServerRef } from './process/server-ref.ts'
export { ChildError, type ChildErrorReason } from './process/supervisor/child-error.ts'
export type {
  ChildOptions,
  ChildSpec,
  ProcessChild,
  ResourceChild,
  Restart,
  ServerChild,
  SupervisorChild,
  SupervisorOptions,
} from './process/supervisor/options.ts'
export type { ChildCounts } from './process/supervisor/requests.ts'
export type { Closable, Resource, ResourceStart } from './process/supervisor/resource.ts'
export type { ChildInfo, Supervisor } from './process/supervisor/supervisor.ts'
export { type Atom, type AtomValue, atom, isAtom } from './term/atom.ts'
export { decode, type ExternalDecodeOptions } from './term/decode.ts'
export { type ExternalEncodeOptions, encode } from './term/encode.ts'
export { equal, mapGet, mapHas } from './term/equal.ts'
export { DecodeError, EncodeError } from './term/errors.ts'
export { ExternalFun, Fun, type FunFields } from './term/fun.ts'
export { Pid, Port, Reference } from './term/identifiers.ts'
export { type ParseOptions, parse, parseAll } from './term/parse.ts'
export { ParseError } from './term/parse-error.ts'
export { type PrintOptions, print } from './term/print.ts'
export { Bitstring, charlist, Float, ImproperList, NativeRecord } from './term/special.ts'
export type { DecodeOptions, EncodeOptions, Term, TermOptions } from './term/term.ts'
export { isTuple, Tuple, tuple } from './term/tuple.ts'
export { type StartOptions, startNode, type TsunagiNode } from './tsunagi.ts'
