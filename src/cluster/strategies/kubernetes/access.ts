import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { join } from 'node:path'
import { TsunagiError } from '../../../base/errors.ts'
import { loadOptional } from '../../../base/optional-package.ts'

/** Where the API server is, whom to trust, and who asks. */
export interface Access {
  readonly options: RequestOptions
  readonly namespace: string
}

/** Asked before each request, since tokens and certificates are replaced while a node runs. */
export type AccessSource = () => Promise<Access>

/**
 * What Kubernetes puts into each pod: `token`, `ca.crt` and `namespace`. The kubelet writes a new token about each hour.
 *
 * @throws TsunagiError when this is no pod
 */
export function serviceAccount(directory: string, server: URL | undefined): AccessSource {
  return async () => {
    const url = server ?? serverOfPod()
    const [token, ca, namespace] = await Promise.all([
      read(directory, 'token'),
      read(directory, 'ca.crt'),
      read(directory, 'namespace'),
    ])
    return {
      options: { ...addressOf(url), ca, headers: { authorization: `Bearer ${token}` }, rejectUnauthorized: true },
      namespace,
    }
  }
}

function serverOfPod(): URL {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env
  if (host === undefined || host === '') {
    const text = 'this is no pod of Kubernetes: KUBERNETES_SERVICE_HOST is not set. Elsewhere use the option kubeconfig'
    throw new TsunagiError('ERR_DISCOVERY', text)
  }
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)
}

async function read(directory: string, name: string): Promise<string> {
  const file = join(directory, name)
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    const { code = 'it cannot be read' } = cause as NodeJS.ErrnoException
    const text = `${file}: ${code}. A pod has it unless automountServiceAccountToken is false`
    throw new TsunagiError('ERR_DISCOVERY', text, { cause })
  }
}

/** Brackets are for URLs only. */
function addressOf(url: URL): RequestOptions {
  const path = url.pathname.replace(/\/$/, '')
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 443 : Number(url.port), path }
}

/** The part of `KubeConfig` that is used. */
interface KubeConfig {
  loadFromDefault(): void
  loadFromFile(file: string): void
  setCurrentContext(context: string): void
  getCurrentContext(): string
  getCurrentCluster(): { readonly server: string } | null
  getContextObject(context: string): { readonly namespace?: string } | null
  applyToHTTPSOptions(options: RequestOptions): Promise<void>
}

/** Not in the code of the import, whose types would bring a second set of those of Node.js. */
const PACKAGE: string = '@kubernetes/client-node'

/**
 * What `kubectl` uses, read by `@kubernetes/client-node`, with its ways to authenticate (certificates, commands, OIDC). `file`
 * undefined: `KUBECONFIG`, or `~/.kube/config`.
 */
export function kubeconfig(file: string | undefined, context: string | undefined): AccessSource {
  return async () => {
    const { KubeConfig } = await loadOptional(
      PACKAGE,
      'the option kubeconfig',
      () => import(PACKAGE) as Promise<{ KubeConfig: new () => KubeConfig }>,
    )
    const config = new KubeConfig()
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
    if (context !== undefined) config.setCurrentContext(context)
    const current = config.getCurrentContext()
    const cluster = config.getCurrentCluster()
    if (cluster === null)
      throw new TsunagiError('ERR_DISCOVERY', `kubeconfig has no context "${current}" with a cluster`)
    const url = new URL(cluster.server)
    // What it makes up where there is none.
    if (file === undefined && cluster.server === 'http://localhost:8080') {
      throw new TsunagiError(
        'ERR_DISCOVERY',
        'there is no kubeconfig file: KUBECONFIG names none, and there is no ~/.kube/config',
      )
    }
    if (url.protocol !== 'https:') {
      throw new TsunagiError('ERR_DISCOVERY', `kubeconfig: ${cluster.server} is no HTTPS server`)
    }
    const options: RequestOptions = { headers: {} }
    await config.applyToHTTPSOptions(options)
    return {
      options: { ...options, ...addressOf(url) },
      namespace: config.getContextObject(current)?.namespace ?? 'default',
    }
  }
}
