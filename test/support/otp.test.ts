import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { OtpEvalError, startElixir, startEpmd, startErl } from './otp.ts'
import { describeOtp } from './releases.ts'

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describeOtp('startErl', (release) => {
  it('evaluates expressions and answers their value on one line', async () => {
    await using otp = await startErl({ release })
    expect(otp.otp).toBe(release.otp)
    expect(otp.name).toBe('nonode@nohost')
    expect(await otp.eval('{ok, lists:seq(1, 3), <<"grüße"/utf8>>, "line\nbreak"}')).toBe(
      '{ok,[1,2,3],<<"grüße"/utf8>>,"line\\nbreak"}',
    )
    expect(await otp.eval('lists:seq(1, 1000)')).toBe(`[${Array.from({ length: 1000 }, (_, i) => i + 1).join(',')}]`)
  })

  it('keeps the mailbox from one expression to the next, but no variables', async () => {
    await using otp = await startErl({ release })
    await otp.eval('X = 1, self() ! {hello, X}')
    expect(await otp.eval('X = 2, receive {hello, Y} -> Y end')).toBe('1')
  })

  it('evaluates apart from what the evaluator is busy with', async () => {
    await using otp = await startErl({ release })
    const waiting = otp.eval('register(waiter, self()), receive go -> gone end')
    await otp.eval('(fun W() -> case whereis(waiter) of undefined -> erlang:yield(), W(); P -> P ! go end end)()', {
      apart: true,
    })
    expect(await waiting).toBe('gone')
  })

  it('carries bytes both ways, 10 MiB of them too', async () => {
    await using otp = await startErl({ release })
    const bytes = randomBytes(10 * 1024 * 1024)
    const back = await otp.evalBytes('[Head, Tail]', { bind: { Head: bytes.subarray(0, 7), Tail: bytes.subarray(7) } })
    expect(back.equals(bytes)).toBe(true)
  })

  it('rejects with what the expression raised', async () => {
    await using otp = await startErl({ release })
    await expect(otp.eval('erlang:error({no, "luck"})')).rejects.toThrow(OtpEvalError)
    await expect(otp.eval('exit(gone)')).rejects.toThrow(/^\{exit,gone,/)
    await expect(otp.eval('this is no erlang')).rejects.toThrow(OtpEvalError)
    expect(await otp.eval('ok')).toBe('ok')
  })

  it('keeps what the node prints and logs as lines', async () => {
    await using otp = await startErl({ release })
    await otp.eval('io:format("one~ntwo"), io:format(" and a half~n"), logger:error("oops")')
    expect(await otp.waitForOutput(/and a half/)).toBe('two and a half')
    await otp.waitForOutput(/oops/)
    expect(otp.output[0]).toBe('one')
  })

  it('starts nodes that find each other through the EPMD of the test, and ends them', async () => {
    await using epmd = await startEpmd()
    await using one = await startErl({ release, name: 'one@127.0.0.1', epmdPort: epmd.port })
    await using two = await startErl({ release, name: 'two@127.0.0.1', epmdPort: epmd.port, hidden: true })
    expect(await one.eval("{net_adm:ping('two@127.0.0.1'), nodes(), nodes(hidden)}")).toBe(
      "{pong,[],['two@127.0.0.1']}",
    )
    const gone = one.eval('net_kernel:monitor_nodes(true, [{node_type, hidden}]), receive {nodedown, N, _} -> N end')
    two.kill('SIGKILL')
    expect(await two.process.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await gone).toBe("'two@127.0.0.1'")
  })

  it('ends a node that was stopped', async () => {
    const otp = await startErl({ release })
    const { pid } = otp.process
    otp.kill('SIGSTOP')
    expect(alive(pid)).toBe(true)
    await otp[Symbol.asyncDispose]()
    expect(alive(pid)).toBe(false)
  })

  it('leaves no node behind whose standard input ends', async () => {
    await using otp = await startErl({ release })
    otp.process.endInput()
    expect(await otp.process.exited).toEqual({ code: 0, signal: null })
  })

  it('says what a node that cannot boot printed', async () => {
    await using epmd = await startEpmd()
    await using _first = await startErl({ release, name: 'one@127.0.0.1', epmdPort: epmd.port })
    await expect(startErl({ release, name: 'one@127.0.0.1', epmdPort: epmd.port })).rejects.toThrow(/one@127\.0\.0\.1/)
  })
})

describeOtp(
  'startElixir',
  (release) => {
    it('evaluates Elixir, with distribution', async () => {
      await using epmd = await startEpmd()
      await using iex = await startElixir({ release, name: 'iex@127.0.0.1', cookie: 'hello', epmdPort: epmd.port })
      await using erl = await startErl({ release, name: 'erl@127.0.0.1', cookie: 'hello', epmdPort: epmd.port })
      expect(await iex.eval('{Node.self(), Node.ping(:"erl@127.0.0.1"), "grüße", Enum.map(1..3, & &1 * 2)}')).toBe(
        '{:"iex@127.0.0.1", :pong, "grüße", [2, 4, 6]}',
      )
      expect(await erl.eval('nodes()')).toBe("['iex@127.0.0.1']")
      expect(await iex.eval('byte_size(bin)', { bind: { Bin: new Uint8Array(5) } })).toBe('5')
      await expect(iex.eval('raise "oops"')).rejects.toThrow(/oops/)
    })
  },
  { elixir: true },
)
