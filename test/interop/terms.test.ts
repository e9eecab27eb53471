import fc from 'fast-check'
import { expect, it } from 'vitest'
import { atom, decode, encode, equal, type Pid, print, type Term, type Tuple, tuple } from '../../src/term/index.ts'
import { arbitraryTerm } from '../support/arbitrary-term.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene } from '../support/scene.ts'
import { seed } from '../support/seed.ts'
import { Oracle } from '../term/oracle.ts'

const exact = { floats: 'exact', maps: 'map', binaries: 'bytes' } as const

// Answers whether the term is the one the binary holds, and gives it back.
const echo = `
  register(echo, spawn(fun E() ->
    receive {Pid, N, Term, Binary} -> Pid ! {N, Term =:= binary_to_term(Binary), Term}, E() end
  end))`

describeOtp('all terms', (release) => {
  const records = Number(release.otp) >= 29
  // Older releases take −0.0 for 0.0, also as keys of one map.
  const negativeZero = Number(release.otp) >= 27

  it('arrive in OTP as the same terms, and come back equal', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    await erl.eval(echo)
    const node = await scene.node(exact)
    await node.connect(erl.name)
    const self = await openProcess(node)
    const terms = fc.sample(arbitraryTerm({ records, negativeZero }), { numRuns: 2000, seed })
    for (const [n, term] of terms.entries()) {
      self.send({ name: 'echo', node: erl.name }, tuple(self.pid, n, term, encode(term)))
    }
    for (const [n, term] of terms.entries()) {
      const [index, same, back] = (await self.receive()) as [number, boolean, Term]
      const what = `term ${n} of seed ${seed}: ${print(term)}`
      expect(index, what).toBe(n)
      expect(same, what).toBe(true)
      if (!equal(back, term)) expect.unreachable(`${what} came back as ${print(back)}`)
    }
  })

  it('that OTP makes arrive here equal, and come back to it the same', async () => {
    await using scene = await Scene.open(release)
    const oracle = scene.own(await Oracle.start(release))
    const erl = await scene.erl()
    const node = await scene.node(exact)
    await node.connect(erl.name)
    const self = await openProcess(node, { name: 'inbox' })
    const theirs = await oracle.random(seed, 2000)
    const frames = theirs.flatMap((bytes) => [Buffer.from(Uint32Array.of(bytes.length).buffer).reverse(), bytes])
    const answer = erl.eval(
      `Frames = fun F(<<L:32, B:L/binary, Rest/binary>>) -> [B | F(Rest)]; F(<<>>) -> [] end,
       Answers = [begin
         {inbox, '${node.name}'} ! {self(), binary_to_term(B), B},
         receive {Back, B} -> Back =:= binary_to_term(B) end
       end || B <- Frames(All)],
       {length(Answers), lists:usort(Answers)}`,
      { bind: { All: Buffer.concat(frames) } },
    )
    for (const bytes of theirs) {
      const [from, term, copy] = (await self.receive()) as [Pid, Term, Uint8Array]
      expect(bytes.equals(copy)).toBe(true)
      if (!equal(term, decode(bytes, exact))) expect.unreachable(`${print(decode(bytes, exact))}, seed ${seed}`)
      self.send(from, tuple(term, copy))
    }
    expect(await answer).toBe('{2000,[true]}')
  })
})

describeOtp('atoms', (release) => {
  it('of all lengths and alphabets, more than the cache holds, many in one message, go both ways', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    await erl.eval(`
      register(echo, spawn(fun E() ->
        receive {Pid, Atoms, Names} -> Pid ! {Atoms, [atom_to_binary(A, utf8) || A <- Atoms] =:= Names}, E() end
      end))`)
    const node = await scene.node()
    await node.connect(erl.name)
    const self = await openProcess(node, { name: 'inbox' })
    const names = Array.from({ length: 5000 }, (_, i) => `atom_${i}`)
    for (const sign of ['x', 'é', 'π', '日', '🌊']) {
      for (const length of [1, 63, 64, 127, 128, 254, 255]) names.push(sign.repeat(length))
    }
    names.push('', ' ', "it's", '\u0000', 'a\nb', 'true', 'nil', 'Elixir.Foo')
    const groups: string[][] = []
    // Around 255, the most one header can list, and above 2,048, the most the cache can hold; then one by one, twice.
    for (const size of [254, 255, 256, 257, 600, 3000]) groups.push(names.slice(0, size), names.slice(-size))
    for (let at = 0; at < names.length; at += 7) groups.push(names.slice(at, at + 7))
    for (let at = 0; at < names.length; at += 131) groups.push(names.slice(at, at + 131))
    const asTerm = (name: string): Term => atom(name).value
    for (const group of groups) {
      self.send({ name: 'echo', node: erl.name }, tuple(self.pid, group.map(asTerm), group))
    }
    for (const group of groups) {
      const [atoms, same] = (await self.receive()) as unknown as Tuple
      expect(same).toBe(true)
      expect(atoms).toEqual(group.map(asTerm))
    }
  })
})
