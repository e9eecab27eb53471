import type { ErrorCode } from '../../base/errors.ts'
import type { Step } from './check.ts'

/** What a code says of where a connect failed, and what cures it. */
export interface Finding {
  readonly step: Step
  readonly advice: string
}

/** After the connection is open; what is not listed is the protocol's. Source: OTP's `dist_util.erl`. */
export const findings: { readonly [code in ErrorCode]?: Finding } = {
  ERR_CONNECT_CLOSED: {
    step: 'protocol',
    advice: 'Look at its log. It may be about to end, or be no Erlang node at all.',
  },
  ERR_CONNECT_COOKIE: {
    step: 'cookie',
    advice:
      "Give both nodes the same cookie. The node's own is what erlang:get_cookie() says there; erlang:set_cookie/2 may have set " +
      'another one for a single peer.',
  },
  ERR_CONNECT_FLAGS: { step: 'flags', advice: 'Upgrade it: what links take today came with OTP 25.' },
  ERR_CONNECT_NAME: {
    step: 'name',
    advice:
      'Dial it by the name it calls itself; or start it under the name that others know (-name with the whole name).',
  },
  ERR_CONNECT_NOT_ALLOWED: {
    step: 'allowed',
    advice:
      'Add the name that is dialled from to its allow list, or that of the peer to `allow` here. Its log says "disallowed node", ' +
      'or "since it cannot handle" and what: then it wants more than this version can do; upgrade this package.',
  },
  ERR_CONNECT_PROTOCOL: { step: 'protocol', advice: 'Something else has the port: look what listens there.' },
  ERR_CONNECT_SIMULTANEOUS: {
    step: 'protocol',
    advice:
      'It dials this node as well, and that dial goes first; so it has to reach the port of this node. If it can, this passes: try again.',
  },
  ERR_CONNECT_TLS: {
    step: 'protocol',
    advice: 'Look at its log: it says why it ended the TLS handshake. It may be no node that speaks TLS.',
  },
  ERR_CONNECT_TLS_EXPIRED: {
    step: 'protocol',
    advice: 'Give it a certificate that is valid now, and compare the clocks of both machines (date -u).',
  },
  ERR_CONNECT_TLS_HOST: {
    step: 'protocol',
    advice:
      'Its certificate needs the host after the @ among its subject alternative names: IP:10.0.0.5, and DNS:10.0.0.5 as well for ' +
      'OTP 25, or DNS:app.example.com. Or dial with `checkHost: false`.',
  },
  ERR_CONNECT_TLS_NAME: {
    step: 'protocol',
    advice: 'Its certificate needs a name that `tls.requireName` or `tls.allowedNames` takes: URI:erlang://name@host.',
  },
  ERR_CONNECT_TLS_NO_CERTIFICATE: {
    step: 'protocol',
    advice: 'Give this node a certificate of its own (tls.certFile; certfile under client in an option file of OTP).',
  },
  ERR_CONNECT_TLS_PLAIN: {
    step: 'protocol',
    advice: 'Start it with -proto_dist inet_tls, or dial without TLS.',
  },
  ERR_CONNECT_TLS_REFUSED: {
    step: 'protocol',
    advice:
      'Its log says why it does not take the certificate of this node. It has to know the authority (cacertfile), the certificate ' +
      'has to be in time, and it is asked for a name where that is configured.',
  },
  ERR_CONNECT_TLS_UNTRUSTED: {
    step: 'protocol',
    advice:
      'Give this node the authority that has signed the certificate of the other (tls.caFile; cacertfile in OTP).',
  },
  ERR_CONNECT_TLS_VERSION: {
    step: 'protocol',
    advice:
      'OTP 25 to 27 speak TLS 1.2 alone in the distribution unless {versions, …} says otherwise: see minVersion, maxVersion and ' +
      'ciphers here.',
  },
  ERR_CONNECT_TIMEOUT: {
    step: 'protocol',
    advice: 'It accepts connections and says nothing: it is stopped, overloaded, or no Erlang node.',
  },
}
