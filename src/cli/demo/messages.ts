/** What the demo tells one of its nodes to do. Terms travel as Erlang text. */
export type MemberOrder =
  | { readonly do: 'call'; readonly id: number; readonly node: string; readonly name: string; readonly term: string }
  /** To publish temperatures from now on, and to listen to everybody's. */
  | { readonly do: 'measure'; readonly id: number }

/** What the demo tells a node to do with the store that all of them share. Terms travel as Erlang text. */
export type StoreOrder =
  | { readonly do: 'share'; readonly id: number; readonly loader?: string; readonly nodes: readonly string[] }
  | { readonly do: 'get'; readonly id: number; readonly key: string; readonly term: string }
  | { readonly do: 'await'; readonly id: number; readonly key: string }
  | { readonly do: 'put'; readonly id: number; readonly key: string; readonly term: string }
  | { readonly do: 'apply'; readonly id: number; readonly fn: 'sum' | 'fahrenheit'; readonly term: string }

/** What a node of the demo reports. */
export type MemberReport =
  | { readonly type: 'started'; readonly port: number; readonly servesEpmd: boolean; readonly dashboard?: string }
  | { readonly type: 'nodeup'; readonly node: string }
  | { readonly type: 'nodedown'; readonly node: string; readonly reason: string }
  | { readonly type: 'heard'; readonly node: string; readonly celsius: number }
  | { readonly type: 'done'; readonly id: number; readonly answer: string }
  | { readonly type: 'failed'; readonly id: number; readonly error: string }
