import { readFileSync } from 'node:fs'
import * as client from '@kubernetes/client-node'
import { describe, expect, it, vi } from 'vitest'
import { KubeApi, slice } from '../cluster/strategies/kube-api.ts'
import { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import { describeSkipped, hasTool } from '../support/tools.ts'

const folder = new URL('../../examples/deploy/', import.meta.url).pathname
const read = (name: string): string => readFileSync(`${folder}${name}`, 'utf8')

// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes, each looked into by its own test.
type Document = any

/** What of a manifest is not as the API's own description (OpenAPI, of which the client's models are made) says. */
function faults(value: unknown, type: string, path: string): string[] {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? []
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((it, i) => faults(it, item, `${path}[${i}]`))
  }
  const [, entry] = /^\{ \[key: string\]: (.*); \}$/.exec(type) ?? []
  if (entry !== undefined)
    return Object.entries(value as object).flatMap(([key, it]) => faults(it, entry, `${path}.${key}`))
  if (type === 'IntOrString') return ['number', 'string'].includes(typeof value) ? [] : [`${path} is no number or text`]
  const model = (client as Document)[type]
  if (model === undefined) return typeof value === type ? [] : [`${path} is no ${type}`]
  const known: Document[] = model.getAttributeTypeMap()
  return Object.entries(value as object).flatMap(([key, it]) => {
    const attribute = known.find(({ baseName }) => baseName === key)
    return attribute === undefined ? [`${path} has no ${key}`] : faults(it, attribute.type, `${path}.${key}`)
  })
}

describe('examples/deploy', () => {
  const documents = client.loadAllYaml(read('kubernetes.yaml')) as Document[]
  const manifest = (kind: string): Document => {
    const found = documents.filter((it) => it.kind === kind)
    expect(found, kind).toHaveLength(1)
    return found[0]
  }
  const container = manifest('StatefulSet').spec.template.spec.containers[0]
  const env = Object.fromEntries(container.env.map((it: Document) => [it.name, it.value ?? it.valueFrom]))
  const program = read('node.mjs')

  it('kubernetes.yaml: its parts belong together', () => {
    const { serviceName, selector, template } = manifest('StatefulSet').spec
    const service = manifest('Service')
    expect(service.spec.clusterIP).toBe('None')
    expect(service.metadata.name).toBe(serviceName)
    expect(env.SERVICE).toBe(serviceName)
    expect(template.metadata.labels).toMatchObject(service.spec.selector)
    expect(template.metadata.labels).toMatchObject(selector.matchLabels)
    expect(template.spec.serviceAccountName).toBe(manifest('ServiceAccount').metadata.name)
    expect(manifest('RoleBinding').subjects).toEqual([
      { kind: 'ServiceAccount', name: template.spec.serviceAccountName },
    ])
    expect(manifest('RoleBinding').roleRef.name).toBe(manifest('Role').metadata.name)
    const ports = Object.fromEntries(container.ports.map((it: Document) => [it.name, it.containerPort]))
    expect(program).toContain(`PORT = '${ports.nodes}'`)
    expect(program).toContain(`PROBE_PORT = '${ports.probe}'`)
    expect(container.readinessProbe.httpGet.port).toBe('probe')
    expect(env.ADDRESS.fieldRef.fieldPath).toBe('status.podIP')
  })

  it('kubernetes.yaml: has no field that the API does not, nor one of another type', () => {
    expect(documents).toHaveLength(5)
    for (const document of documents) expect(faults(document, `V1${document.kind}`, document.kind)).toEqual([])
    const wrong = { spec: { replica: 3, replicas: '3', template: { spec: { containers: [{ port: 1 }] } } } }
    expect(faults(wrong, 'V1StatefulSet', '')).toEqual([
      '.spec has no replica',
      '.spec.replicas is no number',
      '.spec.template.spec.containers[0] has no port',
    ])
  })

  it('all of them set variables that the program reads, and give it the time it takes to leave', () => {
    const [, names = ''] = /const \{ ([^}]*) \} = process\.env/.exec(program) ?? []
    const known = names.split(',').map((it) => it.trim().split(' ')[0])
    const app = (client.loadYaml(read('compose.yaml')) as Document).services.app
    const fly = read('fly.toml')
    const [, flyEnv = ''] = /\[env\]\n([^[]*)/.exec(fly) ?? []
    const set = [
      ...Object.keys(env),
      ...Object.keys(app.environment),
      ...Array.from(flyEnv.matchAll(/^(\w+) = /gm), ([, name]) => name),
    ]
    expect(set.length).toBeGreaterThan(6)
    expect(known).toEqual(expect.arrayContaining(set))
    const [, deadline] = /deadline: ([\d_]+)/.exec(program) ?? []
    const seconds = Number(deadline?.replace('_', '')) / 1000
    expect(manifest('StatefulSet').spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(seconds)
    expect(Number.parseInt(app.stop_grace_period, 10)).toBeGreaterThan(seconds)
    expect(Number(/kill_timeout = "(\d+)s"/.exec(fly)?.[1])).toBeGreaterThan(seconds)
  })

  const pods = (): void => {
    it('node.mjs: two pods find each other, by rights that the role gives, say that they are ready, and leave', async () => {
      const endpoints = ['127.0.0.1', '127.0.0.2'].map((ip) => ({ addresses: [ip] }))
      await using api = await KubeApi.open([slice('nodes-1', endpoints)])
      const port = await freePort()
      const probePort = await freePort()
      await using first = startPod(api, '127.0.0.1', port, await freePort())
      await first.waitForOutput(/^app@127\.0\.0\.1 runs$/)
      await using second = startPod(api, '127.0.0.2', port, probePort)
      await second.waitForOutput(/^\+ app@127\.0\.0\.1$/)
      await first.waitForOutput(/^\+ app@127\.0\.0\.2$/)
      await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${probePort}`)).status).toBe(200), 20_000)
      const [{ apiGroups, resources, verbs }] = manifest('Role').rules
      for (const { path, query } of api.asked) {
        expect(path).toBe(`/apis/${apiGroups[0]}/v1/namespaces/apps/${resources[0]}`)
        expect(query.labelSelector).toBe(`kubernetes.io/service-name=${env.SERVICE}`)
        expect(verbs).toContain(query.watch === 'true' ? 'watch' : 'list')
      }
      first.kill('SIGTERM')
      expect(await first.exited).toEqual({ code: 0, signal: null })
      await second.waitForOutput(/^- app@127\.0\.0\.1/)
      second.kill('SIGTERM')
      expect(await second.exited).toEqual({ code: 0, signal: null })
    })
  }
  const missing = ['unshare', 'openssl'].filter((tool) => !hasTool(tool))
  if (process.getuid?.() !== 0) missing.push('root')
  if (missing.length === 0) describe('in pods', pods)
  else describeSkipped('in pods', missing, pods)

  /** With the service account where pods have it, in a mount namespace of its own. */
  function startPod(api: KubeApi, address: string, nodePort: number, probePort: number): OsProcess {
    const place = '/run/secrets/kubernetes.io'
    const mount = `mount -t tmpfs none /run && mkdir -p ${place} && ln -s ${api.directory} ${place}/serviceaccount`
    const { hostname, port } = new URL(api.url)
    const variables = {
      ...{
        PATH: process.env.PATH ?? '',
        ADDRESS: address,
        COOKIE: 'secret',
        PORT: `${nodePort}`,
        PROBE_PORT: `${probePort}`,
      },
      ...{ SERVICE: env.SERVICE, PEERS: env.PEERS, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    }
    const script = `${mount} && exec "$0" "$1"`
    const args = ['--mount', 'sh', '-c', script, process.execPath, `${folder}node.mjs`]
    return new OsProcess('unshare', args, { env: variables })
  }
})
