import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type KubernetesOptions, kubernetes } from '../../../src/cluster/strategies/kubernetes.ts'
import type { StrategyUnderTest } from '../../../src/testing/strategy-checks.ts'
import { Cluster } from '../../node/cluster.ts'
import { makeCertificates } from '../../support/certificates.ts'
import { describeTools } from '../../support/tools.ts'
import { conform } from './conform.ts'
import { Follower } from './follower.ts'
import { KubeApi, pod, refuse, slice } from './kube-api.ts'

const A = 'app@10.0.0.1'
const B = 'app@10.0.0.2'
const C = 'app@10.0.0.3'
const self = 'app@10.0.0.9'
const patience = { timeout: 20_000 }
// Waits between watches are short, and real here.
const clock = systemClock

/** A strategy for the pods of a server. */
const pods = (api: KubeApi, more: Partial<KubernetesOptions> = {}): ReturnType<typeof kubernetes> =>
  kubernetes({
    selector: 'app=nodes',
    ipLookupMode: 'pods',
    server: api.url,
    serviceAccountPath: api.directory,
    ...more,
  })

const two = [pod('a', '10.0.0.1'), pod('b', '10.0.0.2')]

describeTools('kubernetes', ['openssl'], () => {
  const make = async (): Promise<StrategyUnderTest> => {
    const api = await KubeApi.open([...two, pod('self', '10.0.0.9')])
    return {
      strategy: pods(api),
      context: { self },
      nodes: [A, B],
      change() {
        api.delete('a')
        api.put(pod('c', '10.0.0.3'))
        return [B, C]
      },
      fail: () => api.stop(),
      recover: () => api.serve(),
      hang() {
        api.instead = () => {}
      },
      close: () => api[Symbol.asyncDispose](),
    }
  }
  conform(make, ['change', 'fail', 'recover', 'hang'])

  it('lists from the cache, watches from where the list was, with bookmarks, and sees all that becomes of pods', async () => {
    await using api = await KubeApi.open(two)
    await using node = new Follower(pods(api), { self })
    await node.sees(A, B)
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    expect(api.asked).toEqual([
      {
        path: '/api/v1/namespaces/apps/pods',
        query: { labelSelector: 'app=nodes', resourceVersion: '0' },
        token: 'token-1',
      },
      {
        path: '/api/v1/namespaces/apps/pods',
        query: {
          labelSelector: 'app=nodes',
          watch: 'true',
          allowWatchBookmarks: 'true',
          timeoutSeconds: expect.stringMatching(/^[3-6]\d\d$/),
          resourceVersion: '102',
        },
        token: 'token-1',
      },
    ])
    api.put(pod('c', undefined, { status: { phase: 'Pending' } }))
    api.put(pod('c', '10.0.0.3'))
    await node.sees(A, B, C)
    api.put(pod('b', '10.0.0.2', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }))
    await node.sees(A, C)
    api.put(pod('a', '10.0.0.1', { status: { phase: 'Succeeded' } }))
    await node.sees(C)
    api.delete('c')
    await node.sees()
    expect(api.asked).toHaveLength(2)
    // What changes nothing for us is no answer.
    expect(node.answers).toBe(5)
  })

  it('goes on after a watch ended, from the last bookmark, without another list', async () => {
    await using api = await KubeApi.open(two)
    await using node = new Follower(pods(api), { self, clock })
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    api.bookmark()
    // Nothing older is there any more.
    api.forget()
    api.endWatches()
    await vi.waitFor(() => expect(api.asked).toHaveLength(3), patience)
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    expect(api.asked[2]?.query).toMatchObject({ watch: 'true', resourceVersion: '112' })
    api.put(pod('c', '10.0.0.3'))
    await node.sees(A, B, C)
  })

  it.each([
    ['cut', (api: KubeApi) => api.cut()],
    [
      'cut within an object',
      async (api: KubeApi) => {
        api.say('{"type":"ADDED","object":{"metadata":{"na')
        await nextTurn()
        api.cut()
      },
    ],
    [
      'ended within an object',
      (api: KubeApi) => {
        api.say('{"type":"ADDED","obj')
        api.endWatches()
      },
    ],
  ])('goes on after a watch was %s', async (_, cut) => {
    await using api = await KubeApi.open(two)
    await using node = new Follower(pods(api), { self, clock })
    await node.sees(A, B)
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    await cut(api)
    api.put(pod('c', '10.0.0.3'))
    await node.sees(A, B, C)
    expect(api.asked.filter(({ query }) => query.watch !== 'true')).toHaveLength(1)
  })

  it.each([
    ['in the stream', undefined],
    ['as the answer', 410],
  ])('lists anew, and not from the cache, when what it knew is gone (410, %s)', async (_, status) => {
    await using api = await KubeApi.open(two)
    api.page = 2
    await using node = new Follower(pods(api), { self, clock })
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    if (status !== undefined) {
      api.instead = (response) => {
        api.instead = undefined
        refuse(response, status, 'too old resource version')
      }
    }
    api.endWatches()
    api.delete('a')
    api.put(pod('c', '10.0.0.3'))
    api.put(pod('d', '10.0.0.4'))
    api.forget()
    await node.sees(B, C, 'app@10.0.0.4')
    const lists = api.asked.filter(({ query }) => query.watch !== 'true').map(({ query }) => query)
    expect(lists).toEqual([
      { labelSelector: 'app=nodes', resourceVersion: '0' },
      { labelSelector: 'app=nodes', limit: '500' },
      { labelSelector: 'app=nodes', limit: '500', continue: '2' },
    ])
    api.put(pod('e', '10.0.0.5'))
    await node.sees(B, C, 'app@10.0.0.4', 'app@10.0.0.5')
  })

  it('reads the token anew for each request', async () => {
    await using api = await KubeApi.open(two)
    await using node = new Follower(pods(api), { self, clock })
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    api.token = 'token-2'
    api.write({ token: 'token-2\n' })
    api.endWatches()
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    expect(api.asked.at(-1)).toMatchObject({ token: 'token-2', query: { watch: 'true' } })
    expect(node.names).toEqual([A, B])
  })

  it('asks again when the token was replaced while it asked, and not when it is refused as it is', async () => {
    await using api = await KubeApi.open(two)
    api.token = 'token-2'
    api.instead = (response) => {
      api.instead = undefined
      api.write({ token: 'token-2' })
      refuse(response, 401, 'Unauthorized')
    }
    await using node = new Follower(pods(api), { self })
    await node.sees(A, B)
    expect(api.asked.slice(0, 2).map(({ token }) => token)).toEqual(['token-1', 'token-2'])
    api.token = 'token-3'
    const asked = api.asked.length
    await using other = new Follower(pods(api), { self })
    expect(await other.over).toMatchObject({
      code: 'ERR_DISCOVERY',
      message: 'the API server answered 401 Unauthorized: Unauthorized',
    })
    expect(api.asked.slice(asked).filter(({ query }) => query.watch === undefined)).toHaveLength(1)
  })

  it('says who may not do what when it is refused, and does not find an empty cluster', async () => {
    await using api = await KubeApi.open(two)
    const message = 'pods is forbidden: User "system:serviceaccount:apps:default" cannot list resource "pods"'
    api.instead = (response) => refuse(response, 403, message)
    await using node = new Follower(pods(api), { self })
    expect(await node.over).toMatchObject({ message: `the API server answered 403 Forbidden: ${message}`, status: 403 })
    expect(node.answers).toBe(0)
  })

  it.each([
    ['500', (api: KubeApi) => (api.instead = (response) => response.writeHead(500).end('oh no')), 'answered 500'],
    ['no JSON', (api: KubeApi) => (api.instead = (response) => response.end('<html>')), 'no JSON'],
    ['no list', (api: KubeApi) => (api.instead = (response) => response.end('{"items":{}}')), 'no list'],
    ['null', (api: KubeApi) => (api.instead = (response) => response.end('null')), 'no list'],
    [
      'half an answer',
      (api: KubeApi) =>
        (api.instead = (response) => {
          response.writeHead(200, { 'content-length': '1000' })
          response.write('{"items":[', () => api.cut())
        }),
      'broke off',
    ],
    ['a cut connection', (api: KubeApi) => (api.instead = () => api.cut()), /socket hang up|ECONNRESET/],
  ])('fails with %s instead of a list', async (_, spoil, complaint) => {
    await using api = await KubeApi.open(two)
    spoil(api)
    await using node = new Follower(pods(api), { self })
    const error = (await node.over) as Error
    expect(error).toMatchObject({ code: 'ERR_DISCOVERY' })
    expect(error.message).toMatch(complaint)
    expect(node.answers).toBe(0)
  })

  it.each([
    ['no JSON', 'what is this\n', 'no JSON'],
    ['an error', '{"type":"ERROR","object":{"code":500,"message":"etcd is away"}}\n', 'etcd is away'],
  ])('fails when a watch says %s', async (_, line, complaint) => {
    await using api = await KubeApi.open(two)
    await using node = new Follower(pods(api), { self })
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    api.say(line)
    expect(await node.over).toMatchObject({ code: 'ERR_DISCOVERY', message: expect.stringContaining(complaint) })
    expect(node.names).toEqual([A, B])
  })

  it('takes events that are nonsense for nothing', async () => {
    await using api = await KubeApi.open(two)
    await using node = new Follower(pods(api), { self })
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    for (const object of [null, 5, [], {}, { metadata: 5 }, { metadata: { name: 5 } }]) {
      for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'NEWS', null]) {
        api.say(`${JSON.stringify({ type, object })}\n`)
      }
    }
    api.say('null\n5\n[]\n\n')
    for (const more of [
      { spec: null },
      { status: { podIPs: 5 } },
      { status: { podIP: 5, podIPs: [null, { ip: {} }] } },
    ]) {
      api.put({ ...pod('odd', undefined), ...more })
    }
    api.put(pod('c', '10.0.0.3'))
    await node.sees(A, B, C)
  })

  it('gives up a list that does not come, and a watch of which nothing comes', async () => {
    await using api = await KubeApi.open(two)
    api.instead = (response) => void response.writeHead(200).flushHeaders()
    await using list = new Follower(pods(api), { self })
    await vi.waitFor(() => expect(api.asked).toHaveLength(1), patience)
    list.clock.advance(30_000)
    expect(await list.over).toMatchObject({ code: 'ERR_TIMEOUT' })
    api.instead = undefined
    await using watch = new Follower(pods(api), { self })
    await watch.sees(A, B)
    await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    api.instead = () => {}
    api.endWatches()
    await vi.waitFor(() => {
      watch.clock.advance(100)
      expect(api.asked).toHaveLength(4)
    }, patience)
    watch.clock.advance(30_000)
    expect(await watch.over).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('does not talk to a server whose certificate another authority has signed', async () => {
    await using api = await KubeApi.open(two)
    api.write({ 'ca.crt': makeCertificates().ca })
    await using node = new Follower(pods(api), { self })
    expect(await node.over).toMatchObject({ code: 'ERR_DISCOVERY', message: expect.stringContaining('certificate') })
    expect(api.asked).toEqual([])
  })

  it('does not talk to a server of another name', async () => {
    await using api = await KubeApi.open(two, '127.0.0.2')
    await using node = new Follower(pods(api), { self })
    expect(await node.over).toMatchObject({ code: 'ERR_DISCOVERY', message: expect.stringContaining('altnames') })
    expect(api.asked).toEqual([])
  })

  it('leaves no connection behind', async () => {
    await using api = await KubeApi.open(two)
    {
      await using node = new Follower(pods(api), { self })
      await node.sees(A, B)
      await vi.waitFor(() => expect(api.watches).toBe(1), patience)
    }
    await vi.waitFor(() => expect(api.connections).toBe(0), patience)
  })

  describe('in a pod', () => {
    afterEach(() => {
      vi.unstubAllEnvs()
    })

    it('knows the server from the environment', async () => {
      await using api = await KubeApi.open(two)
      vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1')
      vi.stubEnv('KUBERNETES_SERVICE_PORT', new URL(api.url).port)
      const strategy = kubernetes({ selector: 'app=nodes', ipLookupMode: 'pods', serviceAccountPath: api.directory })
      await using node = new Follower(strategy, { self })
      await node.sees(A, B)
    })

    it('says so where there is none, or no service account', async () => {
      vi.stubEnv('KUBERNETES_SERVICE_HOST', '')
      await using nowhere = new Follower(kubernetes({ selector: 'a=b' }), { self })
      expect(await nowhere.over).toMatchObject({ message: expect.stringContaining('this is no pod of Kubernetes') })
      vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1')
      await using unaccounted = new Follower(kubernetes({ selector: 'a=b', serviceAccountPath: '/nowhere' }), { self })
      expect(await unaccounted.over).toMatchObject({ message: expect.stringMatching(/^\/nowhere\/.*: ENOENT/) })
    })
  })

  describe('outside of the cluster', () => {
    /** A kubeconfig with two contexts, of which the second one leads to the server. */
    const write = (api: KubeApi, user: object, more: object = {}): string => {
      const cluster = { server: api.url, 'certificate-authority-data': Buffer.from(api.ca).toString('base64'), ...more }
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'elsewhere',
        clusters: [{ name: 'here', cluster }],
        users: [{ name: 'me', user }],
        contexts: [
          { name: 'elsewhere', context: { cluster: 'gone', user: 'me' } },
          { name: 'here', context: { cluster: 'here', user: 'me', namespace: 'team' } },
        ],
      }
      const file = join(api.directory, 'kubeconfig')
      // JSON is YAML.
      writeFileSync(file, JSON.stringify(config))
      return file
    }
    const outside = (kubeconfig: string | true, more: Partial<KubernetesOptions> = {}): ReturnType<typeof kubernetes> =>
      kubernetes({ selector: 'app=nodes', ipLookupMode: 'pods', kubeconfig, context: 'here', ...more })

    afterEach(() => {
      vi.unstubAllEnvs()
    })

    it('goes by a kubeconfig file, its context and the namespace of that', async () => {
      await using api = await KubeApi.open(two)
      await using node = new Follower(outside(write(api, { token: 'token-1' })), { self })
      await node.sees(A, B)
      await vi.waitFor(() => expect(api.watches).toBe(1), patience)
      expect(api.asked[0]).toMatchObject({ path: '/api/v1/namespaces/team/pods', token: 'token-1' })
      api.put(pod('c', '10.0.0.3'))
      await node.sees(A, B, C)
    })

    it('goes by KUBECONFIG, and asks the command that knows the token', async () => {
      await using api = await KubeApi.open(two)
      const status = { token: 'token-1' }
      const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }
      const args = ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`]
      const exec = { apiVersion: credential.apiVersion, command: process.execPath, args, interactiveMode: 'Never' }
      vi.stubEnv('KUBECONFIG', write(api, { exec }))
      await using node = new Follower(outside(true), { self })
      await node.sees(A, B)
    })

    it('checks the certificate of the server', async () => {
      await using api = await KubeApi.open(two)
      const other = { 'certificate-authority-data': Buffer.from(makeCertificates().ca).toString('base64') }
      await using node = new Follower(outside(write(api, { token: 'token-1' }, other)), { self })
      expect(await node.over).toMatchObject({ message: expect.stringContaining('certificate') })
      expect(api.asked).toEqual([])
    })

    it('says what is wrong with the file', async () => {
      await using api = await KubeApi.open(two)
      const file = write(api, { token: 'token-1' })
      const why = async (strategy: ReturnType<typeof kubernetes>): Promise<unknown> => {
        await using node = new Follower(strategy, { self })
        return await node.over
      }
      expect(await why(outside('/nowhere/kubeconfig'))).toMatchObject({ message: expect.stringContaining('ENOENT') })
      expect(await why(outside(file, { context: 'elsewhere' }))).toMatchObject({
        message: 'kubeconfig has no context "elsewhere" with a cluster',
      })
      expect(await why(outside(file, { context: 'nobody' }))).toMatchObject({
        message: 'kubeconfig has no context "nobody" with a cluster',
      })
      const plain = write(api, { token: 'token-1' }, { server: 'http://127.0.0.1:8001' })
      expect(await why(outside(plain))).toMatchObject({
        message: 'kubeconfig: http://127.0.0.1:8001 is no HTTPS server',
      })
    })
  })

  describe('by endpoint slices', () => {
    const endpoint = (ip: string, more: object = {}): Record<string, unknown> => ({ addresses: [ip], ...more })
    const endpoints = (api: KubeApi, more: Partial<KubernetesOptions> = {}): ReturnType<typeof kubernetes> =>
      kubernetes({ service: 'nodes', server: api.url, serviceAccountPath: api.directory, ...more })

    it('finds the pods that are ready, of all slices of a service', async () => {
      await using api = await KubeApi.open([
        slice('nodes-1', [endpoint('10.0.0.1', { conditions: { ready: true } }), endpoint('10.0.0.2')]),
        slice('nodes-2', [
          endpoint('10.0.0.3', { conditions: { ready: true, serving: true, terminating: false } }),
          endpoint('10.0.0.4', { conditions: { ready: false } }),
          endpoint('10.0.0.5', { conditions: { ready: true, terminating: true } }),
        ]),
      ])
      await using node = new Follower(endpoints(api, { selector: 'tier=back', namespace: 'other' }), { self })
      await node.sees(A, B, C)
      expect(api.asked[0]).toMatchObject({
        path: '/apis/discovery.k8s.io/v1/namespaces/other/endpointslices',
        query: { labelSelector: 'tier=back,kubernetes.io/service-name=nodes' },
      })
      api.put(slice('nodes-1', [endpoint('10.0.0.2')]))
      await node.sees(B, C)
      api.delete('nodes-2')
      await node.sees(B)
    })

    it.each([
      ['app@10.0.0.9', ['app@10.0.0.1', 'app@10.0.0.2']],
      ['app@fd00::9', ['app@fd00::1', 'app@fd00::2']],
    ])('names pods with two addresses as %s is named', async (name, names) => {
      await using api = await KubeApi.open([
        slice('nodes-4', [endpoint('10.0.0.1'), endpoint('10.0.0.2')]),
        slice('nodes-6', [endpoint('fd00::1'), endpoint('fd00::2')], 'IPv6'),
      ])
      await using node = new Follower(endpoints(api), { self: name })
      await node.sees(...names)
    })

    it('names pods by their hostname, their dashed address, with a basename and a port of their own', async () => {
      await using api = await KubeApi.open([
        slice('nodes-1', [endpoint('10.0.0.1', { hostname: 'app-0' }), endpoint('10.0.0.2', { hostname: 'app-1' })]),
      ])
      await using byHost = new Follower(endpoints(api, { mode: 'hostname', basename: 'beam', port: 9100 }))
      await byHost.sees('beam@app-0.nodes.apps.svc.cluster.local', 'beam@app-1.nodes.apps.svc.cluster.local')
      expect(byHost.nodes[0]).toEqual({ name: 'beam@app-0.nodes.apps.svc.cluster.local', port: 9100 })
      await using byDns = new Follower(endpoints(api, { mode: 'dns', clusterDomain: 'k8s.example.com' }))
      await byDns.sees('self@10-0-0-1.apps.pod.k8s.example.com', 'self@10-0-0-2.apps.pod.k8s.example.com')
    })

    it('says once which pods have no hostname', async () => {
      await using api = await KubeApi.open([slice('nodes-1', [endpoint('10.0.0.1'), endpoint('10.0.0.2')])])
      await using node = new Follower(endpoints(api, { mode: 'hostname' }))
      await node.sees()
      api.put(slice('nodes-1', [endpoint('10.0.0.1'), endpoint('10.0.0.2', { hostname: 'app-1' })]))
      await node.sees('self@app-1.nodes.apps.svc.cluster.local')
      expect(node.log.messages('warn')).toEqual([expect.stringContaining('2 pods have no such name')])
    })
  })

  it('names pods by hostname and subdomain', async () => {
    await using api = await KubeApi.open([
      pod('app-0', '10.0.0.1', { spec: { hostname: 'app-0', subdomain: 'nodes' } }),
      pod('other', '10.0.0.2'),
    ])
    await using node = new Follower(pods(api, { mode: 'hostname' }))
    await node.sees('self@app-0.nodes.apps.svc.cluster.local')
  })

  it('connects nodes to each other, and keeps them connected while the API server is away', async () => {
    await using api = await KubeApi.open()
    await using cluster = await Cluster.create()
    const topologies = { pods: { strategy: pods(api, { basename: 'a' }), interval: 50 } }
    const a = await cluster.start('a', { mesh: false, topologies })
    await cluster.start('b', { mesh: false })
    a.topology('pods').update({
      strategy: pods(api),
      mapName: (name) => name.replace(/^a@10\.0\.0\.2$/, 'b@127.0.0.1'),
    })
    api.put(pod('b', '10.0.0.2'))
    await a.ready({ nodes: 1, timeout: 25_000 })
    const failed = once(a.topology('pods'), 'discovery-failed')
    await api.stop()
    await failed
    expect(a.topology('pods').nodes()).toEqual(['b@127.0.0.1'])
    const refreshed = once(a.topology('pods'), 'refreshed')
    await api.serve()
    await refreshed
    expect(a.nodes()).toEqual(['b@127.0.0.1'])
  })
})

describe('kubernetes, its options', () => {
  const ok = { selector: 'a=b' }
  it.each([
    [null],
    [{}],
    [{ selector: '' }],
    [{ service: 'x', ipLookupMode: 'pods' }],
    [{ ...ok, mode: 'fqdn' }],
    [{ ...ok, ipLookupMode: 'nodes' }],
    [{ ...ok, namespace: '../x' }],
    [{ ...ok, service: 'a b' }],
    [{ ...ok, basename: 'a@b' }],
    [{ ...ok, port: 0 }],
    [{ ...ok, server: 'http://x' }],
    [{ ...ok, server: 'x' }],
    [{ ...ok, context: 'x' }],
    [{ ...ok, kubeconfig: '' }],
    [{ ...ok, kubeconfig: true, server: 'https://x' }],
    [{ ...ok, polling_interval: 5 }],
  ])('refuse %j', (options) => {
    expect(() => kubernetes(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})
