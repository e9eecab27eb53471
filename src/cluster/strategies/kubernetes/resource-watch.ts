import { Backoff } from '../../../base/backoff.ts'
import { pause } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import type { StrategyContext } from '../../strategy.ts'
import { ApiError, type KubernetesApi } from './api.ts'
import { fields, type KubeObject } from './fields.ts'

/** A kind of objects, some of which are followed. */
export interface Resource {
  /** The path of its list. */
  readonly path: (namespace: string) => string
  /** Which of them. */
  readonly selector: string
}

/** A watch that ends sooner, in milliseconds, is followed by a wait. */
const SHORT = 5000
const PAGE = 500
/** More pages than there are objects in any cluster: a server that never comes to an end. */
const MAX_PAGES = 1000

/** What became of the objects. */
export type Change<T> = ReadonlyMap<string, T>

/**
 * All objects, at first and after each change, by "list, then watch" as the clients of Kubernetes itself do: the list from
 * the server's cache, the watch from where the list was, with bookmarks, resumed whenever it ends; when the server has
 * forgotten where that was (410 Gone), a new list, not from the cache. Throws when a request is refused or has no answer.
 *
 * Source: "Efficient detection of changes" in the API concepts of Kubernetes, and client-go's reflector.
 */
export async function* followObjects<T>(
  api: KubernetesApi,
  resource: Resource,
  read: (object: KubeObject) => T,
  { signal, clock }: StrategyContext,
): AsyncGenerator<Change<T>> {
  const backoff = new Backoff({ min: 500, max: 30_000 })
  let fromCache = true
  for (;;) {
    const { objects, version } = await list(api, resource, read, fromCache, signal)
    yield objects
    let at: string | undefined = version
    while (at !== undefined) {
      const began = clock.now()
      at = yield* watch(api, resource, read, objects, at, signal)
      if (clock.now() - began >= SHORT) backoff.reset()
      await pause(backoff.next(), clock, signal)
    }
    fromCache = false
  }
}

interface Listed<T> {
  readonly objects: Map<string, T>
  readonly version: string
}

async function list<T>(
  api: KubernetesApi,
  { path, selector }: Resource,
  read: (object: KubeObject) => T,
  fromCache: boolean,
  signal: AbortSignal,
): Promise<Listed<T>> {
  const objects = new Map<string, T>()
  let next: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = new URLSearchParams({ labelSelector: selector })
    if (fromCache) query.set('resourceVersion', '0')
    else query.set('limit', `${PAGE}`)
    if (next !== undefined) query.set('continue', next)
    const answer = await api.get((namespace) => `${path(namespace)}?${query}`, signal)
    const { metadata, items } = fields(answer)
    const { resourceVersion: version, continue: more } = fields(metadata)
    if (!Array.isArray(items) || typeof version !== 'string') {
      throw new TsunagiError('ERR_DISCOVERY', 'the API server answered with what is no list')
    }
    for (const item of items) {
      const key = keyOf(item)
      if (key !== undefined) objects.set(key, read(item as KubeObject))
    }
    if (typeof more !== 'string' || more === '') return { objects, version }
    next = more
  }
  throw new TsunagiError('ERR_LIMIT', `the API server lists more than ${MAX_PAGES} pages`)
}

/** Answers where to go on, or undefined when that is forgotten. */
async function* watch<T>(
  api: KubernetesApi,
  { path, selector }: Resource,
  read: (object: KubeObject) => T,
  objects: Map<string, T>,
  from: string,
  signal: AbortSignal,
): AsyncGenerator<Change<T>, string | undefined> {
  let at = from
  // Not all nodes at the same moment.
  const timeoutSeconds = `${Math.round(300 + Math.random() * 300)}`
  const query = (): string =>
    `${new URLSearchParams({ labelSelector: selector, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds, resourceVersion: at })}`
  try {
    for await (const event of api.follow((namespace) => `${path(namespace)}?${query()}`, signal)) {
      const { type, object } = fields(event)
      if (type === 'ERROR') {
        const { code, message } = fields(object)
        if (code === 410) return undefined
        const why = typeof message === 'string' ? message.slice(0, 1000) : 'it does not say why'
        throw new TsunagiError('ERR_DISCOVERY', `the API server ended the watch: ${why}`)
      }
      const version = fields(fields(object).metadata).resourceVersion
      if (typeof version === 'string' && version !== '') at = version
      const key = keyOf(object)
      if (type === 'BOOKMARK' || key === undefined) continue
      if (type === 'DELETED') objects.delete(key)
      else if (type === 'ADDED' || type === 'MODIFIED') objects.set(key, read(object as KubeObject))
      else continue
      yield objects
    }
  } catch (error) {
    if (error instanceof ApiError && error.status === 410) return undefined
    throw error
  }
  return at
}

function keyOf(object: unknown): string | undefined {
  const { name, namespace } = fields(fields(object).metadata)
  return typeof name === 'string' ? `${typeof namespace === 'string' ? namespace : ''}/${name}` : undefined
}
