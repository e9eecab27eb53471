import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Answers } from '../../../src/cluster/answer.ts'
import type { KubernetesApi } from '../../../src/cluster/strategies/kubernetes/api.ts'
import { fields } from '../../../src/cluster/strategies/kubernetes/fields.ts'
import { nameOf, placesOfEndpointSlice, placesOfPod } from '../../../src/cluster/strategies/kubernetes/places.ts'
import { followObjects } from '../../../src/cluster/strategies/kubernetes/resource-watch.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { strategyContext } from '../../../src/testing/strategy-context.ts'
import { pod, slice } from './kube-api.ts'
import '../../support/seed.ts'

const json = fc.jsonValue({ maxDepth: 3 })

/** An object of which any part may be something else than it ought to be. */
function broken(object: unknown): fc.Arbitrary<unknown> {
  if (typeof object !== 'object' || object === null)
    return fc.oneof({ weight: 9, arbitrary: fc.constant(object) }, json)
  const parts = Array.isArray(object)
    ? fc.tuple(...object.map(broken))
    : fc.record(Object.fromEntries(Object.entries(object).map(([key, value]) => [key, broken(value)])))
  return fc.oneof({ weight: 9, arbitrary: parts as fc.Arbitrary<unknown> }, json)
}

const endpoint = { addresses: ['10.0.0.1', 'fd00::1'], hostname: 'a', conditions: { ready: true, terminating: false } }
const aPod = pod('a', '10.0.0.1', {
  metadata: { resourceVersion: '7' },
  spec: { hostname: 'a', subdomain: 'nodes' },
  status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
})
const objects = fc.oneof(broken(aPod), broken(slice('a', [endpoint, endpoint])))

describe('whatever the API server says', () => {
  it.each(['ip', 'dns', 'hostname'] as const)('makes names, or none, by %s', (mode) => {
    const naming = { mode, basename: 'app', clusterDomain: 'cluster.local', service: undefined, ownHost: '10.0.0.9' }
    const policy = { self: 'app@10.0.0.9', hidden: false, filter: undefined, mapName: undefined }
    let found = 0
    fc.assert(
      fc.property(objects, (object) => {
        for (const read of [placesOfPod, placesOfEndpointSlice]) {
          const places = read(fields(object))
          const names = places.map((place) => nameOf(place, naming)).filter((name) => name !== undefined)
          try {
            found += new Answers(100).take(names, policy).nodes.size
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_DISCOVERY' })
          }
        }
      }),
      { numRuns: 1000 },
    )
    expect(found).toBeGreaterThan(100)
  })

  it('is followed, or refused with a reason', async () => {
    const list = broken({ metadata: { resourceVersion: '1' }, items: [aPod] })
    const type = fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR', 'OTHER')
    const event = type.chain((type) => broken({ type, object: type === 'ERROR' ? { code: 410, message: 'x' } : aPod }))
    await fc.assert(
      fc.asyncProperty(list, fc.array(fc.oneof(event, json), { maxLength: 8 }), async (list, events) => {
        const abort = new AbortController()
        const api: Pick<KubernetesApi, 'get' | 'follow'> = {
          get: async () => list,
          async *follow() {
            yield* events
            abort.abort(new Error('over'))
          },
        }
        const context = strategyContext({ signal: abort.signal, clock: new FakeClock() })
        const resource = { path: () => '/', selector: 'app=nodes' }
        const follow = async (): Promise<unknown> => {
          for await (const all of followObjects(api as KubernetesApi, resource, placesOfPod, context)) {
            expect(all.size).toBeLessThan(10)
            // Without this one that begins a new list again and again never ends.
            if (abort.signal.aborted) return 'over'
          }
          return 'ended'
        }
        const stop = setTimeout(() => abort.abort(new Error('over')), 20)
        const outcome = await follow().catch((error: Error) => error.message)
        clearTimeout(stop)
        expect(outcome).toMatch(/^over$|no list|ended the watch/)
      }),
      { numRuns: 300 },
    )
  })
})
