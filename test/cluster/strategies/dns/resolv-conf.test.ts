import { describe, expect, it } from 'vitest'
import { candidates, parseResolvConf, readSearchRules } from '../../../../src/cluster/strategies/dns/resolv-conf.ts'

const KUBERNETES = `search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
`

describe('the search domains of resolv.conf', () => {
  it('are those of a pod in Kubernetes', () => {
    expect(parseResolvConf(KUBERNETES)).toEqual({
      search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
    })
  })

  it.each([
    ['', [], 1],
    ['nameserver 1.1.1.1', [], 1],
    ['domain example.com', ['example.com'], 1],
    ['domain a.test\nsearch b.test c.test.', ['b.test', 'c.test'], 1],
    ['search b.test\ndomain a.test', ['a.test'], 1],
    ['  search\ta.test # home\n; search b.test', ['a.test'], 1],
    ['search .', [], 1],
    ['options rotate ndots:2 timeout:1\r\nsearch a.test\r', ['a.test'], 2],
    ['options ndots:99', [], 15],
    ['options ndots:x', [], 1],
    [`search ${'a.test '.repeat(100)}`, Array.from({ length: 32 }, () => 'a.test'), 1],
  ])('of %j', (text, search, ndots) => {
    expect(parseResolvConf(text)).toEqual({ search, ndots })
  })

  it('are none where there is no such file', async () => {
    const { signal } = new AbortController()
    expect(await readSearchRules(signal, '/nowhere/resolv.conf')).toEqual({ search: [], ndots: 1 })
  })
})

describe('what a name may stand for', () => {
  const rules = parseResolvConf(KUBERNETES)

  it('a name with few dots is completed first', () => {
    expect(candidates('app.shop', rules)).toEqual([
      'app.shop.shop.svc.cluster.local',
      'app.shop.svc.cluster.local',
      'app.shop.cluster.local',
      'app.shop',
    ])
  })

  it('a name with enough dots is tried as it is first', () => {
    expect(candidates('app.shop', { search: ['test'], ndots: 1 })).toEqual(['app.shop', 'app.shop.test'])
  })

  it('a name that ends with a dot is whole', () => {
    expect(candidates('app.shop.', rules)).toEqual(['app.shop'])
  })
})
