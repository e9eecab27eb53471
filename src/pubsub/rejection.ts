/** Hears when what a function of the user's returned is a promise that rejects, which nobody else looks at. */
export function onRejection(result: unknown, failed: (error: unknown) => void): void {
  if (typeof result !== 'object' || result === null) return
  if (typeof (result as Partial<PromiseLike<unknown>>).then !== 'function') return
  Promise.resolve(result as PromiseLike<unknown>).catch(failed)
}
