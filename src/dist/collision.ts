import type { Decision } from './handshake-state.ts'

/**
 * What we have to do with a peer when it dials us.
 *
 * - `none`: nothing.
 * - `dialling`: our own dial to it is not complete.
 * - `accepting`: an earlier dial of it is not complete.
 * - `up`: there is a link.
 * - `replacing`: there is a link, and another dial of the peer is about to replace it.
 */
export type PeerState = 'none' | 'dialling' | 'accepting' | 'up' | 'replacing'

/**
 * Who wins when a peer dials us, as `accept_pending` of OTP's `net_kernel` has it: of two nodes that dial each other the
 * one with the greater name goes on. On `ok_simultaneous` the caller gives up its own dial; on `alive` it keeps the link
 * until the handshake says `replace`.
 *
 * One difference: OTP treats an earlier dial of the same peer as if it were its own, so that a peer that lost its network
 * in the middle of a handshake may have to wait until that one times out. Here both go on, and the first to prove the
 * cookie is the link: a node dials another only once at a time, so that the earlier one is dead or somebody else's.
 */
export function resolveCollision(
  ownName: string,
  peerName: string,
  state: PeerState,
): Exclude<Decision, 'not_allowed'> {
  switch (state) {
    case 'none':
    case 'accepting':
      return 'ok'
    case 'dialling':
      // The order of atoms is that of their code points; names within ISO 8859-1 compare the same in JavaScript.
      return ownName > peerName ? 'nok' : 'ok_simultaneous'
    case 'up':
      return 'alive'
    case 'replacing':
      return 'busy'
  }
}
