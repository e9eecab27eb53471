import { describe, expect, it } from 'vitest'
import { definitionTerm, readDefinition } from '../../../src/store/functions/definition.ts'
import { resolveFunctionOptions } from '../../../src/store/functions/function-options.ts'
import { Cluster, errorOf, gate } from './support.ts'

const everyone = { from: ['a@host', 'b@host', 'c@host'] }

function three(): { cluster: Cluster; a: Cluster['loader']; b: Cluster['loader']; c: Cluster['loader'] } {
  const cluster = new Cluster()
  const [a, b, c] = ['a@host', 'b@host', 'c@host'].map((name) => cluster.join(name, everyone)) as [
    Cluster['loader'],
    Cluster['loader'],
    Cluster['loader'],
  ]
  return { cluster, a, b, c }
}

describe('call', () => {
  it('defines a function on every node the first time, and from then on runs it where it is called', async () => {
    const { cluster, a, b, c } = three()
    await using _ = cluster
    let made = 0
    const make = () => {
      made++
      return (a: number, b: number) => a + b
    }
    expect(await b.functions.call('sum', [1, 4], make)).toBe(5)
    expect(await b.functions.call('sum', [2, 4], make)).toBe(6)
    expect(made).toBe(1)
    for (const { functions } of [a, b, c]) {
      expect(await functions.run('sum', [31, 82])).toBe(113)
      expect(functions.list()).toMatchObject([{ name: 'sum', submitter: 'b@host', state: 'ready', version: undefined }])
    }
    expect(b.functions.list()).toMatchObject([
      { calls: 3, file: expect.stringMatching(/^tsunagi:function\/sum@\w{8}\.js$/) },
    ])
  })

  it('takes one function when two nodes call at once, and both run that', async () => {
    const { cluster, b, c } = three()
    await using _ = cluster
    const results = await Promise.all([
      b.functions.call('who', [], () => () => 'the one of b'),
      c.functions.call('who', [], async () => '() => "the one of c"'),
    ])
    expect(new Set(results).size).toBe(1)
    expect(cluster.log).toHaveLength(1)
  })

  it('gives what the function gives: false and undefined too, and waits for a promise', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    for (const result of [false, null, undefined, 0, '', [], {}]) {
      expect(await a.functions.call(`give ${String(result)}`, [result], () => (a: unknown) => a)).toBe(result)
    }
    expect(await a.functions.call('later', [1], () => async (a: number) => a + 1)).toBe(2)
  })

  it('rejects with what the function throws, whatever that is', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    const failing = '(what) => { if (what === 1) throw new RangeError("too large"); throw what }'
    await expect(a.functions.call('fail', [1], () => failing)).rejects.toThrow(new RangeError('too large'))
    await expect(a.functions.run('fail', ['text'])).rejects.toBe('text')
    await expect(a.functions.run('fail', [undefined])).rejects.toBe(undefined)
  })

  it('sends nothing when the function cannot be distributed', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    const rate = 3
    const error = await errorOf(() => a.functions.call('bad', [1], () => (a: number) => a * rate))
    expect(error).toMatchObject({ code: 'ERR_FUNCTION_SOURCE', function: 'bad', problems: [{ variable: 'rate' }] })
    expect(cluster.log).toEqual([])
    expect(a.functions.has('bad')).toBe(false)
  })

  it('takes names that mean something in JavaScript', async () => {
    const { cluster, a, b } = three()
    await using _ = cluster
    for (const name of ['__proto__', 'constructor', 'toString', 'a/b c?#"\n', 'ü']) {
      expect(await a.functions.call(name, [name], () => (a: string) => a)).toBe(name)
      expect(await b.functions.run(name, [1])).toBe(1)
    }
    expect(({} as { name?: string }).name).toBe(undefined)
  })
})

describe('define', () => {
  it('replaces at once, while calls that run finish on the version they began with', async () => {
    const { cluster, a, c } = three()
    await using _ = cluster
    const { promise, resolve } = gate<void>()
    await a.functions.define('step', '(gate) => gate.then(() => "old")')
    const running = c.functions.run('step', [promise])
    const kept = c.functions.local('step')
    await a.functions.define('step', '() => "new"')
    expect(await c.functions.run('step', [promise])).toBe('new')
    resolve(undefined)
    expect(await running).toBe('old')
    expect(await kept?.(promise)).toBe('old')
    expect(c.functions.local('step')?.()).toBe('new')
  })

  it('compiles once what is defined again with the same source', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    await a.functions.define('same', '(a) => a')
    const before = a.functions.local('same')
    await a.functions.define('same', ' (a) => a ; ')
    expect(a.functions.local('same')).toBe(before)
  })

  it('does not go back in version, nor take another source for the same one', async () => {
    const { cluster, a, b } = three()
    await using _ = cluster
    const define = (source: string, version?: number) =>
      b.functions.define('f', version === undefined ? source : { source, version })
    expect(await define('() => 2', 2)).toMatchObject({ version: 2, state: 'ready' })
    const refused = { name: 'FunctionError', code: 'ERR_FUNCTION_REFUSED' }
    expect(await errorOf(() => define('() => 1', 1))).toMatchObject(refused)
    expect(await errorOf(() => define('() => 3', 2))).toMatchObject(refused)
    expect(await a.functions.run('f', [])).toBe(2)
    await define('() => 2', 2)
    await define('() => 3', 3)
    expect(await a.functions.run('f', [])).toBe(3)
    await define('() => 4')
    expect(await a.functions.run('f', [])).toBe(4)
  })

  it('gives a late joiner what is there', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    await a.functions.define('f', '() => 1')
    await a.functions.define('f', '() => 2')
    const late = cluster.join('d@host', everyone)
    // Its checker is only being loaded.
    expect(late.functions.list()).toMatchObject([{ state: 'loading' }])
    expect(await late.functions.run('f', [])).toBe(2)
  })

  it('refuses arguments that are none of what it takes', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    const define = a.functions.define.bind(a.functions) as (...args: unknown[]) => Promise<unknown>
    const bad: [args: unknown[], option: string][] = [
      [['', '() => 1'], 'name'],
      [['x'.repeat(2000), '() => 1'], 'name'],
      [['\ud800', '() => 1'], 'name'],
      [[7, '() => 1'], 'name'],
      [['f', 7], 'source'],
      [['f', null], 'source'],
      [['f', { source: '() => 1', version: -1 }], 'version'],
      [['f', { source: '() => 1', version: 1.5 }], 'version'],
      [['f', { source: '() => 1', verison: 1 }], 'verison'],
      [['f', {}], 'source'],
    ]
    for (const [args, option] of bad) {
      expect(await errorOf(() => define(...args))).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    }
    expect(await errorOf(() => a.functions.call('f', [], undefined as never))).toMatchObject({ option: 'make' })
    expect(await errorOf(() => a.functions.run('f', {} as never))).toMatchObject({ option: 'args' })
    expect(cluster.log).toEqual([])
  })
})

describe('remove', () => {
  it('takes a function away everywhere, while calls that run go on', async () => {
    const { cluster, a, b } = three()
    await using _ = cluster
    const { promise, resolve } = gate<string>()
    await a.functions.define('f', '(gate) => gate')
    const running = a.functions.run('f', [promise])
    expect(await b.functions.remove('f')).toBe(true)
    expect(await b.functions.remove('f')).toBe(false)
    expect(await errorOf(() => a.functions.run('f', []))).toMatchObject({ code: 'ERR_FUNCTION_MISSING', function: 'f' })
    resolve('done')
    expect(await running).toBe('done')
  })

  it('takes away what is still loading', async () => {
    const cluster = new Cluster()
    await using _ = cluster
    const { functions } = cluster.join('a@host', everyone)
    const definition = { name: 'f', hash: '', source: '() => 1', version: undefined, submitter: 'a@host' }
    functions.install(definition, 'a@host')
    const call = errorOf(() => functions.run('f', []))
    functions.uninstall('f', 'a@host')
    expect(await call).toMatchObject({ code: 'ERR_FUNCTION_MISSING' })
  })
})

describe('trust', () => {
  it('is needed to take a function away, of who asks and of who passes it on', async () => {
    const cluster = new Cluster()
    await using _ = cluster
    const a = cluster.join('a@host', { from: ['b@host'] })
    await a.functions.define('f', '() => 1')
    expect(() => a.functions.admitRemoval('f', 'beam@host')).toThrow(/beam@host is not in `functions\.from`/)
    a.functions.uninstall('f', 'beam@host')
    expect(await a.functions.run('f', [])).toBe(1)
    a.functions.admitRemoval('f', 'b@host')
    a.functions.uninstall('f', 'b@host')
    expect(a.functions.has('f')).toBe(false)
  })

  it('is given to nobody unless functions are on', async () => {
    const cluster = new Cluster()
    await using _ = cluster
    const off = cluster.join('a@host', undefined)
    const off2 = { code: 'ERR_FUNCTION_REFUSED', message: expect.stringMatching(/functions are off.*functions\.from/) }
    expect(await errorOf(() => off.functions.define('f', '() => 1'))).toMatchObject(off2)
    expect(await errorOf(() => off.functions.call('f', [], () => () => 1))).toMatchObject(off2)
    expect(await errorOf(() => off.functions.remove('f'))).toMatchObject(off2)
    const on = cluster.join('b@host', everyone)
    expect(await errorOf(() => on.functions.define('f', '() => 1'))).toMatchObject(off2)
  })

  it('is decided by who orders: who is not listed is refused, and so is who speaks for another', async () => {
    const cluster = new Cluster()
    await using _ = cluster
    cluster.join('a@host', { from: ['b@host'] })
    const b = cluster.join('b@host', everyone)
    const stranger = cluster.join('beam@host', everyone)
    await b.functions.define('f', '() => 1')
    expect(await errorOf(() => stranger.functions.define('f', '() => 2'))).toMatchObject({
      code: 'ERR_FUNCTION_REFUSED',
      message: 'the function "f" is refused: beam@host is not in `functions.from` of this node',
    })
    const definition = readDefinition(cluster.log[0])
    const forged = { ...definition!, source: '() => 2' }
    expect(await errorOf(() => cluster.loader.functions.admit(forged, 'beam@host'))).toMatchObject({
      message: expect.stringMatching(/beam@host sends it in the name of b@host/),
    })
    expect(await errorOf(() => cluster.loader.functions.admit(forged, 'b@host'))).toMatchObject({
      message: expect.stringMatching(/not what its hash says/),
    })
  })

  it('is decided again by each node that gets it, for the submitter and for who passes it on', async () => {
    const cluster = new Cluster()
    await using _ = cluster
    cluster.join('a@host', everyone)
    const b = cluster.join('b@host', everyone)
    const noLoader = cluster.join('c@host', { from: ['b@host'] })
    const noSubmitter = cluster.join('d@host', { from: ['a@host'] })
    const off = cluster.join('e@host', undefined)
    await b.functions.define('f', '() => 1')
    expect(await b.functions.run('f', [])).toBe(1)
    const why = [
      [noLoader, /a@host is not in `functions.from`/],
      [noSubmitter, /b@host is not in `functions.from`/],
      [off, /functions are off/],
    ] as const
    for (const [{ functions, warnings }, message] of why) {
      const refused = { code: 'ERR_FUNCTION_REFUSED', message: expect.stringMatching(message) }
      expect(await errorOf(() => functions.run('f', []))).toMatchObject(refused)
      expect(functions.local('f')).toBe(undefined)
      expect(functions.list()).toMatchObject([{ state: 'refused', error: refused }])
      expect(warnings).toEqual(functions === off.functions ? [] : [expect.stringMatching(message)])
    }
  })

  it('does not extend to what a node checks for itself', async () => {
    const cluster = new Cluster()
    await using _ = cluster
    const lax = cluster.join('a@host', { ...everyone, imports: { 'node:os': 'node:os' }, globals: ['process'] })
    const strict = cluster.join('b@host', everyone)
    const source = 'async () => [process.pid, (await import("node:os")).EOL]'
    expect(await lax.functions.call('f', [], () => source)).toHaveLength(2)
    expect(await errorOf(() => strict.functions.run('f', []))).toMatchObject({
      code: 'ERR_FUNCTION_SOURCE',
      problems: [{ variable: 'process' }, { message: expect.stringMatching(/"node:os"/) }],
    })
    // What comes in the wrong form, or is not what its hash says, is not run either.
    const definition = readDefinition(cluster.log[0])
    for (const forged of [{ hash: '0'.repeat(64) }, { source: '(() => 1)' }, { source: 'evil()' }]) {
      lax.functions.install({ ...definition!, ...forged }, 'b@host')
      expect((await errorOf(() => lax.functions.run('f', []))).code).toMatch(/^ERR_FUNCTION_(?:REFUSED|SOURCE)$/)
    }
    expect(lax.warnings).toHaveLength(3)
  })

  it('needs more than the shape of a definition, which must be right, too', () => {
    const good = { name: 'f', hash: 'h', source: '() => 1', version: 3, submitter: 'a@host' }
    const list = definitionTerm(good) as unknown[]
    expect(readDefinition(list)).toEqual(good)
    expect(readDefinition(list.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))).toEqual(good)
    expect(readDefinition(definitionTerm({ ...good, version: undefined }))).toEqual({ ...good, version: undefined })
    for (const bad of [null, 7, 'f', good, [], list.slice(1), [...list, 1], list.with(0, ''), list.with(1, 7)]) {
      expect(readDefinition(bad)).toBe(undefined)
    }
    for (const version of [-1, 1.5, null, '1']) expect(readDefinition(list.with(3, version))).toBe(undefined)
  })
})

describe('waiting', () => {
  it('ends with the timeout, though the function goes on', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    const { promise } = gate<void>()
    await a.functions.define('wait', '(gate) => gate')
    const slow = errorOf(() => a.functions.run('wait', [promise]))
    await Promise.resolve()
    a.clock.advance(4999)
    const short = errorOf(() => a.functions.run('wait', [promise], { timeout: 10 }))
    await Promise.resolve()
    a.clock.advance(10)
    const message = (ms: number) => `the function "wait" has not answered within ${ms} ms`
    expect(await slow).toMatchObject({ code: 'ERR_TIMEOUT', message: message(5000) })
    expect(await short).toMatchObject({ code: 'ERR_TIMEOUT', message: message(10) })
  })

  it('ends when the signal aborts, and a call with an aborted one does not begin', async () => {
    const { cluster, a } = three()
    await using _ = cluster
    await a.functions.define('wait', '(calls) => { calls.push(1); return new Promise(() => {}) }')
    const calls: number[] = []
    const controller = new AbortController()
    const call = a.functions.run('wait', [calls], { signal: controller.signal })
    controller.abort('enough')
    await expect(call).rejects.toBe('enough')
    await expect(a.functions.run('wait', [calls], { signal: controller.signal })).rejects.toBe('enough')
    expect(calls).toEqual([1])
  })

  it('rejects once it is closed', async () => {
    const { cluster, a } = three()
    await a.functions.define('f', '() => 1')
    await cluster[Symbol.asyncDispose]()
    await a.functions.close()
    expect(await errorOf(() => a.functions.run('f', []))).toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('options', () => {
  it('have defaults', () => {
    expect(resolveFunctionOptions({ from: [] })).toEqual({
      ...{ from: new Set(), modules: new Map(), globals: [], isolate: 'none', timeout: 5000, workers: 2 },
      memory: 64 * 1024 * 1024,
    })
  })

  it('say where imported modules are', () => {
    const imports = { 'node:fs': 'fs', here: '/tmp/x.mjs', there: 'file:///tmp/y.mjs' }
    expect([...resolveFunctionOptions({ from: [], imports }).modules]).toEqual([
      ['node:fs', 'fs'],
      ['here', 'file:///tmp/x.mjs'],
      ['there', 'file:///tmp/y.mjs'],
    ])
  })

  it.each<[options: unknown, option: string]>([
    [null, 'functions'],
    [[], 'functions'],
    [{}, 'functions.from'],
    [{ from: 'a@host' }, 'functions.from'],
    [{ from: ['a'] }, 'functions.from[0]'],
    [{ from: ['a@host', ''] }, 'functions.from[1]'],
    [{ from: [], form: [] }, 'functions.form'],
    [{ from: [], imports: ['node:fs'] }, 'functions.imports'],
    [{ from: [], imports: { pkg: 'pkg' } }, 'functions.imports["pkg"]'],
    [{ from: [], globals: ['no-name'] }, 'functions.globals[0]'],
    [{ from: [], globals: ['notThere'] }, 'functions.globals[0]'],
    [{ from: [], isolate: 'process' }, 'functions.isolate'],
    [{ from: [], timeout: -1 }, 'functions.timeout'],
    [{ from: [], workers: 0 }, 'functions.workers'],
    [{ from: [], memory: 1024 }, 'functions.memory'],
  ])('are checked: %j', async (options, option) => {
    const error = await errorOf(() => resolveFunctionOptions(options as never))
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
  })
})
