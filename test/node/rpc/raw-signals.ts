import { DFLAG, ourFlags } from '../../../src/dist/flags.ts'
import { Decoder } from '../../../src/term/decoder.ts'
import { encode, type Term, type Tuple } from '../../../src/term/index.ts'
import { frame, type RawPeer } from '../../support/raw-peer.ts'

const PASS_THROUGH = 112
const VERSION = 131

/** Flags of a peer whose frames hold nothing but a control message and its payload. */
export const PLAIN: bigint = ourFlags({ without: DFLAG.DIST_HDR_ATOM_CACHE | DFLAG.FRAGMENTS })

/** A control message a node sent, with its payload. */
export interface RawSignal {
  readonly control: Tuple
  readonly payload: Term
}

/** A frame with a control message of a peer with the flags {@link PLAIN}. */
export function plainMessage(control: Tuple, ...payload: readonly Term[]): Buffer {
  return frame(Uint8Array.of(PASS_THROUGH), encode(control), ...payload.map((term) => encode(term)))
}

export function sendPlain(peer: RawPeer, control: Tuple, ...payload: readonly Term[]): void {
  peer.write(plainMessage(control, ...payload))
}

/** All that a node sent to a peer with the flags {@link PLAIN}. */
export function plainSignals(frames: readonly Buffer[]): RawSignal[] {
  return frames.map((bytes) => {
    const decoder = new Decoder()
    decoder.reset(bytes, 1, bytes.length)
    const term = (): Term => {
      if (decoder.position === decoder.end) return undefined
      if (decoder.u8() !== VERSION) throw new Error('a term without its version')
      return decoder.read()
    }
    return { control: term() as Tuple, payload: term() }
  })
}

/** The first signal of an operation that a peer gets, or the one at `index`. */
export async function nextSignal(peer: RawPeer, operation: number, index = 0): Promise<RawSignal> {
  return await peer.receive((frames) => plainSignals(frames).filter(({ control }) => control[0] === operation)[index])
}
