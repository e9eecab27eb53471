/** What is called so must not be shown. */
const WORDS = /secret|passw|passphrase|cookie|token|PRIVATE KEY|:\/\//i

/** Whether the option of this path holds one, or its value, as a text, seems to. */
export function isSecret(path: string, value: string): boolean {
  return WORDS.test(path.split('.').at(-1) as string) || WORDS.test(value)
}

/** Whether there may be one at this place of a text, or where a picture of the place would show it. */
export function mayBeSecret(text: string, offset: number): boolean {
  return WORDS.test(text.slice(Math.max(0, offset - 200), offset + 60))
}
