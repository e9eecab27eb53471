/**
 * The part of a request target that says what is asked for, below `prefix`, as `/api/nodes`; undefined where it cannot be
 * one of ours.
 *
 * Nothing of ours has a name that needs an escape, an empty segment or a dot at its start, so that whatever has one is a
 * trick: `..`, `%2e%2e`, `%2f`, `%5c`, `%00`, `%252e`, `\`, `//host`, and the absolute form of proxies.
 */
export function pathOf(target: string, prefix = ''): string | undefined {
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  if (path.length > 1024 || !path.startsWith(prefix)) return undefined
  const rest = path.slice(prefix.length)
  return rest === '' || /^\/$|^(\/[\w~-][\w.~-]*)+\/?$/.test(rest) ? rest : undefined
}

/** What follows the question mark. */
export function queryOf(target: string): URLSearchParams {
  const query = target.indexOf('?')
  return new URLSearchParams(query === -1 ? '' : target.slice(query + 1))
}
