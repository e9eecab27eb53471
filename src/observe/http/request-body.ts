/** Bytes of the longest body there is a use for. */
const MOST = 16 * 1024

/** The body of a request as text; undefined when it is too long, or no UTF-8. */
export async function textOf(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MOST) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (;;) {
    const part = await reader?.read()
    if (part === undefined || part.done) break
    size += part.value.byteLength
    if (size > MOST) {
      await reader?.cancel()
      return undefined
    }
    chunks.push(part.value)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return undefined
  }
}

/** Whether a `Content-Type` is this one, whatever its parameters. */
export function isOfType(header: string | null, type: string): boolean {
  return header?.split(';')[0]?.trim().toLowerCase() === type
}
