/** Whether a value has to be awaited. */
export function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function'
}

/** Runs what may be asynchronous, and tells once that it is over, and what it threw or rejected with. */
export function whenOver<T>(run: () => T, over: (failure?: { readonly error: unknown }) => void): T {
  let result: T
  try {
    result = run()
  } catch (error) {
    over({ error })
    throw error
  }
  if (!isPromiseLike(result)) over()
  else
    result.then(
      () => over(),
      (error: unknown) => over({ error }),
    )
  return result
}
