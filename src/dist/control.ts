/**
 * Operations of control messages, named as in OTP's "Distribution Protocol". A control message is a tuple whose first
 * element is one of these; those marked + are followed by a second term.
 */
export const LINK = 1 // {1, From, To}
export const SEND = 2 // {2, Unused, To} +
export const EXIT = 3 // {3, From, To, Reason}
export const UNLINK = 4 // {4, From, To}, gone since OTP 26
export const NODE_LINK = 5 // {5}, gone
export const REG_SEND = 6 // {6, From, Unused, Name} +
export const GROUP_LEADER = 7 // {7, From, To}
export const EXIT2 = 8 // {8, From, To, Reason}
export const SEND_TT = 12 // {12, Unused, To, Token} +
export const EXIT_TT = 13 // {13, From, To, Token, Reason}
export const REG_SEND_TT = 16 // {16, From, Unused, Name, Token} +
export const EXIT2_TT = 18 // {18, From, To, Token, Reason}
export const MONITOR_P = 19 // {19, From, To, Ref}; To: pid or name
export const DEMONITOR_P = 20 // {20, From, To, Ref}
export const MONITOR_P_EXIT = 21 // {21, From, To, Ref, Reason}; From: pid or name
export const SEND_SENDER = 22 // {22, From, To} +
export const SEND_SENDER_TT = 23 // {23, From, To, Token} +
export const PAYLOAD_EXIT = 24 // {24, From, To} + reason
export const PAYLOAD_EXIT_TT = 25 // {25, From, To, Token} + reason
export const PAYLOAD_EXIT2 = 26 // {26, From, To} + reason
export const PAYLOAD_EXIT2_TT = 27 // {27, From, To, Token} + reason
export const PAYLOAD_MONITOR_P_EXIT = 28 // {28, From, To, Ref} + reason
export const SPAWN_REQUEST = 29 // {29, ReqId, From, GroupLeader, {M, F, A}, Options} + arguments
export const SPAWN_REQUEST_TT = 30 // {30, ReqId, From, GroupLeader, {M, F, A}, Options, Token} + arguments
export const SPAWN_REPLY = 31 // {31, ReqId, To, Flags, Result}
export const SPAWN_REPLY_TT = 32 // {32, ReqId, To, Flags, Result, Token}
export const ALIAS_SEND = 33 // {33, From, Alias} +
export const ALIAS_SEND_TT = 34 // {34, From, Alias, Token} +
export const UNLINK_ID = 35 // {35, Id, From, To}
export const UNLINK_ID_ACK = 36 // {36, Id, From, To}
export const ALTACT_SIG_SEND = 37 // {37, Flags, From, To[, Token]} + message or reason

/** Flags of {@link ALTACT_SIG_SEND} (OTP 28). Unknown bits are ignored. */
export const ALTACT = { priority: 1, token: 2, alias: 4, name: 8, exit: 16 } as const
