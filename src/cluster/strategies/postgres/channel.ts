/** Longer identifiers are cut by PostgreSQL (`NAMEDATALEN` less one), in bytes. */
const MAX_BYTES = 63

/** The channel that libcluster_postgres uses where none is given: the cookie, with `_` for each byte that is no word character. */
export function channelOfCookie(cookie: string): string {
  return Buffer.from(cookie, 'utf8').toString('latin1').replace(/\W/g, '_')
}

/** A name as PostgreSQL itself would cut it, since `pg_notify` refuses longer ones: never within a character. */
export function cutIdentifier(name: string): string {
  const bytes = Buffer.from(name, 'utf8')
  if (bytes.length <= MAX_BYTES) return name
  let end = MAX_BYTES
  // 10xxxxxx goes on with a character.
  while (((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/**
 * The channels on which nodes can be heard that say they notify `channel`. libcluster_postgres quotes it since 0.2; before,
 * PostgreSQL made capitals small. Cookies that Erlang makes have capitals only.
 */
export function heardChannels(channel: string): string[] {
  const unquoted = channel.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  return [...new Set([channel, unquoted])]
}
