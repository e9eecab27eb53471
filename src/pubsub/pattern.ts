/**
 * Makes the test of a pattern: `*` stands for any characters, none included; `\` takes the character after it as it is;
 * everything else is itself. Takes no more time than pattern and topic are long, times one another.
 */
export function matcher(pattern: string): (topic: string) => boolean {
  const parts = split(pattern)
  const first = parts[0] as string
  if (parts.length === 1) return (topic) => topic === first
  const last = parts.at(-1) as string
  const middle = parts.slice(1, -1).filter((part) => part !== '')
  const least = first.length + last.length
  return (topic) => {
    if (topic.length < least || !topic.startsWith(first) || !topic.endsWith(last)) return false
    const end = topic.length - last.length
    let at = first.length
    for (const part of middle) {
      const found = topic.indexOf(part, at)
      if (found === -1 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}

/** The text between the stars. */
function split(pattern: string): string[] {
  const parts = ['']
  for (let i = 0; i < pattern.length; i++) {
    let char = pattern[i] as string
    if (char === '*') {
      parts.push('')
      continue
    }
    if (char === '\\' && i + 1 < pattern.length) char = pattern[++i] as string
    parts[parts.length - 1] += char
  }
  return parts
}

/** What every topic that a pattern matches begins with. */
export function literalStart(pattern: string): string {
  return split(pattern)[0] as string
}
