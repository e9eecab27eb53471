import { expect, it } from 'vitest'
import { decode, encode, equal, Pid, Port, parse, print, Reference, type Term, tuple } from '../../src/term/index.ts'
import { startEpmd, startErl } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'

it('makes keys that are equal exactly when the identifiers are', () => {
  const all = [
    new Pid('a@host', 1, 2, 3),
    new Pid('a@host', 1, 2, 4),
    new Pid('a@host', 1, 3, 3),
    new Pid('b@host', 1, 2, 3),
    new Reference('a@host', [1, 2], 3),
    new Reference('a@host', [1], 2),
    new Reference('a@host', [1, 2, 3], 3),
    new Port('a@host', 1n, 3),
  ]
  for (const a of all) {
    for (const b of all) {
      expect(a.equals(b)).toBe(a === b)
      expect(equal(a, b)).toBe(a === b)
    }
  }
  const again = decode(encode(tuple(...all))) as unknown as (Pid | Port | Reference)[]
  for (const [i, a] of all.entries()) {
    expect(a.equals(again[i])).toBe(true)
    expect(again[i]?.key).toBe(a.key)
    expect(JSON.stringify(a)).toBe(JSON.stringify(print(a)))
  }
})

describeOtp('identifiers that are printed and read back', (release) => {
  it('are the same to the node that made them', async () => {
    await using epmd = await startEpmd()
    await using otp = await startErl({ release, name: 'oracle@127.0.0.1', epmdPort: epmd.port })
    const made =
      'persistent_term:put(made, {self(), hd(erlang:ports()), make_ref()}), term_to_binary(persistent_term:get(made))'
    const [pid, port, reference] = decode(await otp.evalBytes(made)) as unknown as [Pid, Port, Reference]
    expect(pid.node).toBe('oracle@127.0.0.1')
    expect(pid.creation).toBeGreaterThan(3)
    const same = async (term: Term) =>
      await otp.eval('binary_to_term(Bin) =:= persistent_term:get(made)', { bind: { Bin: encode(term) } })
    const typed = parse(`{${print(pid)}, ${print(port)}, ${print(reference)}}`)
    expect(await same(typed)).toBe('true')
    // Without the creation, as a person types them.
    const short = print(typed).replaceAll(`/${pid.creation}>`, '>')
    expect(short).toBe(
      `{#Pid<'oracle@127.0.0.1'.${pid.id}.${pid.serial}>,#Port<'oracle@127.0.0.1'.${port.id}>,` +
        `#Ref<'oracle@127.0.0.1'.${reference.words.join('.')}>}`,
    )
    expect(await same(parse(short, { creation: () => pid.creation }))).toBe('true')
    // What other creations name is something else, also for 0.
    expect(await same(parse(short, { creation: () => 0 }))).toBe('false')
    const other = print(typed).replaceAll(`/${pid.creation}>`, `/${pid.creation - 1}>`)
    expect(await same(parse(other))).toBe('false')
  })
})
