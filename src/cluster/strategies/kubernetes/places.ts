import { isIPv4, isIPv6 } from 'node:net'
import { fields, type KubeObject } from './fields.ts'

/** Where a pod is. */
export interface Place {
  /** Its addresses, the main one first. */
  readonly ips: readonly string[]
  readonly namespace: string
  /** Its own name within its service; pods of a StatefulSet have one. */
  readonly hostname: string | undefined
  /** The headless service it belongs to. */
  readonly service: string | undefined
}

/** A pod that has an address, has not ended and is not ending. */
export function placesOfPod(pod: KubeObject): Place[] {
  const metadata = fields(pod.metadata)
  const status = fields(pod.status)
  const spec = fields(pod.spec)
  if (metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded' || status.phase === 'Failed') return []
  const more = list(status.podIPs).map((it) => text(fields(it).ip))
  const ips = unique([text(status.podIP), ...more])
  if (ips.length === 0) return []
  return [
    { ips, namespace: text(metadata.namespace) ?? '', hostname: text(spec.hostname), service: text(spec.subdomain) },
  ]
}

/** The endpoints that are ready and not ending. */
export function placesOfEndpointSlice(slice: KubeObject): Place[] {
  const metadata = fields(slice.metadata)
  const service = text(fields(metadata.labels)['kubernetes.io/service-name'])
  return list(slice.endpoints).flatMap((it) => {
    const endpoint = fields(it)
    const conditions = fields(endpoint.conditions)
    // Unknown counts as ready: so says the API.
    if (conditions.ready === false || conditions.terminating === true) return []
    const ips = unique(list(endpoint.addresses).map(text))
    if (ips.length === 0) return []
    return [{ ips, namespace: text(metadata.namespace) ?? '', hostname: text(endpoint.hostname), service }]
  })
}

/** How nodes are named. */
export interface Naming {
  readonly mode: 'ip' | 'dns' | 'hostname'
  readonly basename: string
  readonly clusterDomain: string
  /** Instead of the service a pod says it is of. */
  readonly service: string | undefined
  /** The host in this node's own name. */
  readonly ownHost: string
}

/** The name of the node in a place; undefined where it can have none. */
export function nameOf(place: Place, naming: Naming): string | undefined {
  const { mode, basename, clusterDomain } = naming
  const { namespace, hostname } = place
  if (mode === 'hostname') {
    const service = naming.service ?? place.service
    if (hostname === undefined || service === undefined) return undefined
    return `${basename}@${hostname}.${service}.${namespace}.svc.${clusterDomain}`
  }
  const ip = addressOf(place, naming)
  if (ip === undefined) return undefined
  return mode === 'ip'
    ? `${basename}@${ip}`
    : `${basename}@${ip.replace(/[.:]/g, '-')}.${namespace}.pod.${clusterDomain}`
}

/** Of a pod with both kinds of addresses, the one that this node has in its own name. */
function addressOf({ ips }: Place, { ownHost }: Naming): string | undefined {
  if (isIPv4(ownHost)) return ips.find((ip) => isIPv4(ip))
  if (isIPv6(ownHost)) return ips.find((ip) => isIPv6(ip))
  return ips[0]
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function unique(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))]
}
