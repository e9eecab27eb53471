/**
 * What is wrong with a text that `JSON.parse` refuses, and where. The engine's own message often quotes what stands there, which
 * may be a secret.
 */
export function jsonError(text: string, error: SyntaxError): string {
  const [what = ''] = error.message.split(/^"|,? (?:\.\.\.)?"| in JSON| at position/)
  const before = text.slice(0, placeOf(text, error)).split('\n')
  return `${what === '' ? 'it is no JSON' : what} (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`
}

/** The engine tells the place, or quotes it: then it is where the shortest text ends that is refused for the same. */
function placeOf(text: string, error: SyntaxError): number {
  const told = /at position (\d+)/.exec(error.message)?.[1]
  if (told !== undefined) return Number(told)
  if (!isQuoted(error)) return text.length
  let [good, bad] = [0, text.length]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (failsByQuote(text.slice(0, middle))) bad = middle
    else good = middle
  }
  return good
}

function isQuoted({ message }: SyntaxError): boolean {
  return message.endsWith('is not valid JSON')
}

function failsByQuote(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return isQuoted(error as SyntaxError)
  }
}
