import { OptionError } from '../../base/errors.ts'
import { splitNodeName } from '../../base/node-name.ts'
import { instance, integer, knownOnly, oneOf, string } from '../../base/options.ts'
import type { Answer, FoundNode, PushStrategy, StrategyContext } from '../strategy.ts'
import { type AccessSource, kubeconfig, serviceAccount } from './kubernetes/access.ts'
import { KubernetesApi } from './kubernetes/api.ts'
import { type Naming, nameOf, type Place, placesOfEndpointSlice, placesOfPod } from './kubernetes/places.ts'
import { followObjects, type Resource } from './kubernetes/resource-watch.ts'

/** Options of {@link kubernetes}. In brackets: what libcluster calls them. Either `selector` or `service` is needed. */
export interface KubernetesOptions {
  /** Which objects, by their labels, such as `app=myapp` [`kubernetes_selector`]. A service hands its labels to its endpoints. */
  readonly selector?: string
  /**
   * The headless service [`kubernetes_service_name`]: with `ipLookupMode: 'endpoints'` its endpoints, and in the names of
   * `mode: 'hostname'`. Default there: the one that each pod belongs to.
   */
  readonly service?: string
  /** The part of the names before the `@` [`kubernetes_node_basename`]. Default: that of this node. */
  readonly basename?: string
  /** [`kubernetes_namespace`] Default: that of the pod, or of the context of `kubeconfig`. */
  readonly namespace?: string
  /**
   * `endpoints`: the pods that are ready, by the service's endpoint slices. `pods`: all that have an address. Default
   * `endpoints` [`kubernetes_ip_lookup_mode`]. Pods that are ending or have ended count in neither.
   */
  readonly ipLookupMode?: 'endpoints' | 'pods'
  /**
   * The part after the `@` [`mode`]. `ip`: the address. `dns`: `10-0-0-1.namespace.pod.cluster.local`. `hostname`:
   * `pod-0.service.namespace.svc.cluster.local`, for the pods of a StatefulSet. Default `ip`.
   */
  readonly mode?: 'ip' | 'dns' | 'hostname'
  /** The end of the names that `dns` and `hostname` make. Default `cluster.local` [`kubernetes_cluster_name` and `.local`]. */
  readonly clusterDomain?: string
  /** The port that all nodes listen on (`ERL_DIST_PORT` of a BEAM): they are dialled without asking an EPMD. */
  readonly port?: number
  /** The URL of the API server, `https://…` [`kubernetes_master`]. Default: what Kubernetes tells its pods. */
  readonly server?: string
  /** Default `/var/run/secrets/kubernetes.io/serviceaccount` [`kubernetes_service_account_path`]. */
  readonly serviceAccountPath?: string
  /**
   * For a node outside of the cluster: a kubeconfig file, or true for the one that `kubectl` would use. Needs the package
   * `@kubernetes/client-node`. Default: the pod's service account.
   */
  readonly kubeconfig?: string | true
  /** The context of `kubeconfig`. Default: its current one. */
  readonly context?: string
}

const KNOWN = [
  'selector',
  'service',
  'basename',
  'namespace',
  'ipLookupMode',
  'mode',
  'clusterDomain',
  'port',
  'server',
  'serviceAccountPath',
  'kubeconfig',
  'context',
] as const satisfies readonly (keyof KubernetesOptions)[]

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The nodes in pods of a Kubernetes cluster, by its API: a list and then a watch, so that changes are known at once and the API
 * server has next to nothing to do. Needs the right to `list` and `watch` `endpointslices` (of `discovery.k8s.io`) or `pods`.
 * The API server's certificate is always checked; a service account's token is read anew for each request.
 *
 * Source: libcluster's `Kubernetes`, which polls, and takes a refusal for an empty cluster.
 *
 * @throws OptionError
 *
 * @example
 * kubernetes({ service: 'myapp-nodes', port: 9100 })
 */
export function kubernetes(options: KubernetesOptions): PushStrategy {
  instance(options, 'options', 'an object such as { service: "myapp-nodes" }', (it) => !Array.isArray(it))
  knownOnly(options, KNOWN)
  const lookup = oneOf('endpoints', 'pods')(options.ipLookupMode ?? 'endpoints', 'ipLookupMode')
  const mode = oneOf('ip', 'dns', 'hostname')(options.mode ?? 'ip', 'mode')
  const service = options.service === undefined ? undefined : dnsName(options.service, 'service')
  const namespace = options.namespace === undefined ? undefined : dnsName(options.namespace, 'namespace')
  const clusterDomain = dnsName(options.clusterDomain ?? 'cluster.local', 'clusterDomain')
  const basename = options.basename === undefined ? undefined : aliveName(options.basename)
  const port = options.port === undefined ? undefined : integer(1, 65535, 'a port')(options.port, 'port')
  const resource = resourceOf(options, lookup, service, namespace)
  const access = accessOf(options)
  const read = lookup === 'pods' ? placesOfPod : placesOfEndpointSlice
  return {
    name: 'kubernetes',
    async *watch(context: StrategyContext): AsyncGenerator<Answer> {
      const { self, clock } = context
      const naming = { mode, basename: basename ?? self.alive, clusterDomain, service, ownHost: self.host }
      let before: string | undefined
      let complained = false
      for await (const objects of followObjects(new KubernetesApi(access, clock), resource, read, context)) {
        const { names, nameless } = namesOf([...objects.values()].flat(), naming)
        if (nameless > 0 && !complained) {
          complained = true
          complain(context, nameless, mode)
        }
        const now = names.join()
        if (now === before) continue
        before = now
        yield names.map((name): FoundNode => (port === undefined ? { name } : { name, port }))
      }
    },
  }
}

function namesOf(places: readonly Place[], naming: Naming): { names: string[]; nameless: number } {
  const names = new Set<string>()
  let nameless = 0
  for (const place of places) {
    const name = nameOf(place, naming)
    if (name === undefined) nameless++
    else names.add(name)
  }
  return { names: [...names].sort(), nameless }
}

/** Those of the other family in a dual-stack cluster are no reason: each pod is there twice. */
function complain({ logger, topology }: StrategyContext, nameless: number, mode: string): void {
  if (mode !== 'hostname') return
  const why = 'mode "hostname" is for pods with a hostname in a headless service, as those of a StatefulSet'
  logger.warn({ topology }, `topology ${topology}: kubernetes: ${nameless} pods have no such name: ${why}`)
}

function resourceOf(
  options: KubernetesOptions,
  lookup: 'endpoints' | 'pods',
  service: string | undefined,
  namespace: string | undefined,
): Resource {
  const labels = options.selector === undefined ? [] : [string(options.selector, 'selector')]
  if (lookup === 'endpoints' && service !== undefined) labels.push(`kubernetes.io/service-name=${service}`)
  if (labels.length === 0) {
    throw new OptionError(
      'selector',
      undefined,
      '',
      'selector: expected one such as "app=myapp", to know which pods are meant',
    )
  }
  const within = (own: string): string => `namespaces/${encodeURIComponent(namespace ?? own)}`
  const path =
    lookup === 'pods'
      ? (own: string) => `/api/v1/${within(own)}/pods`
      : (own: string) => `/apis/discovery.k8s.io/v1/${within(own)}/endpointslices`
  return { path, selector: labels.join(',') }
}

function accessOf(options: KubernetesOptions): AccessSource {
  const { kubeconfig: file, context, server, serviceAccountPath } = options
  if (file === undefined) {
    if (context !== undefined) throw new OptionError('context', context, 'it only together with kubeconfig')
    const directory = string(serviceAccountPath ?? SERVICE_ACCOUNT, 'serviceAccountPath')
    return serviceAccount(directory, server === undefined ? undefined : httpsUrl(server))
  }
  for (const option of ['server', 'serviceAccountPath'] as const) {
    if (options[option] !== undefined) throw new OptionError(option, options[option], 'nothing beside kubeconfig')
  }
  return kubeconfig(
    file === true ? undefined : string(file, 'kubeconfig'),
    context === undefined ? undefined : string(context, 'context'),
  )
}

function httpsUrl(value: unknown): URL {
  const text = string(value, 'server')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.search === '' && url.username === '') return url
  throw new OptionError('server', value, 'a URL such as "https://10.0.0.1:6443"')
}

function dnsName(value: unknown, option: string): string {
  const text = string(value, option)
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)) return text
  throw new OptionError(option, value, 'letters, digits, dots and hyphens')
}

function aliveName(value: unknown): string {
  const text = string(value, 'basename')
  if (splitNodeName(`${text}@host`) !== undefined) return text
  throw new OptionError('basename', value, 'the part of a node name before the @')
}
