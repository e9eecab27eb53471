import type { Action, ActionResult, PageOf, PageQuery } from '../../../src/observe/observatory.ts'

interface Refusal {
  readonly error: { readonly code: string; readonly message: string }
}

/** Does something to the cluster. What fails is in the result. */
export async function act(action: Action): Promise<ActionResult> {
  try {
    const answer = await fetch('api/actions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    })
    const body = (await answer.json()) as ActionResult | Refusal
    return 'error' in body ? { ok: false, text: body.error.message, code: body.error.code } : body
  } catch {
    return { ok: false, text: 'The node that shows this page does not answer.', code: null }
  }
}

/**
 * More of a list than its section holds.
 *
 * @throws Error with the server's words
 */
export async function page<Q extends PageQuery>(query: Q, signal: AbortSignal): Promise<PageOf<Q>> {
  const words = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') words.set(key, String(value))
  }
  const answer = await fetch(`api/page?${words}`, { signal })
  const body = (await answer.json()) as PageOf<Q> | Refusal
  if ('error' in body) throw new Error(body.error.message)
  return body
}
