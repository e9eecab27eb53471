import { readFileSync } from 'node:fs'
import { type OtpNode, startErl } from '../support/otp.ts'
import type { Release } from '../support/releases.ts'

const source = readFileSync(new URL('./terms.erl', import.meta.url))

const compileAndLoad = `
  {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Source)),
  Forms = fun
    Forms([{dot, _} = Dot | Rest], Form) ->
      {ok, Parsed} = erl_parse:parse_form(lists:reverse([Dot | Form])),
      [Parsed | Forms(Rest, [])];
    Forms([Token | Rest], Form) -> Forms(Rest, [Token | Form]);
    Forms([], []) -> []
  end,
  {ok, Module, Code} = compile:forms(Forms(Tokens, []), [report]),
  {module, Module} = code:load_binary(Module, "terms.erl", Code),
  Module`

/** A real OTP node that answers questions about many terms at once; see `terms.erl`. */
export class Oracle implements AsyncDisposable {
  readonly otp: OtpNode

  private constructor(otp: OtpNode) {
    this.otp = otp
  }

  static async start(release: Release): Promise<Oracle> {
    const otp = await startErl({ release })
    await otp.eval(compileAndLoad, { bind: { Source: source } })
    return new Oracle(otp)
  }

  /** The terms as OTP writes them, in its own encoding. */
  async roundTrip(terms: readonly Uint8Array[]): Promise<Buffer[]> {
    return unframed(await this.#ask('terms:round_trip(In)', terms))
  }

  /** For each pair whether its terms are `=:=`. */
  async same(pairs: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<boolean[]> {
    return Array.from(await this.#ask('terms:same(In)', pairs.flat()), (byte) => byte === 1)
  }

  /** The terms as `~0tp` prints them. */
  async printed(terms: readonly Uint8Array[]): Promise<string[]> {
    return unframed(await this.#ask('terms:printed(In)', terms)).map(String)
  }

  /** For each text and the term it stands for: what is wrong, or nothing when OTP reads it as that term. */
  async read(pairs: readonly (readonly [string, Uint8Array])[]): Promise<string[]> {
    const frames = pairs.flatMap(([text, bytes]) => [Buffer.from(text), bytes])
    return unframed(await this.#ask('terms:read(In)', frames)).map(String)
  }

  /** Random terms made by OTP, in all the encodings it has. */
  async random(seed: number, count: number, { opaque = true } = {}): Promise<Buffer[]> {
    return unframed(await this.otp.evalBytes(`terms:random(${seed}, ${count}, ${opaque})`))
  }

  async #ask(expression: string, frames: readonly Uint8Array[]): Promise<Buffer> {
    const input = Buffer.concat(frames.flatMap((frame) => [length(frame), frame]))
    return await this.otp.evalBytes(expression, { bind: { In: input } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.otp[Symbol.asyncDispose]()
  }
}

function length(frame: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(frame.length)
  return bytes
}

function unframed(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    frames.push(bytes.subarray(at + 4, end))
    at = end
  }
  return frames
}
