import fc from 'fast-check'

/** Any will do, as long as it stays. */
const USUAL = 20_260_901

/**
 * What random inputs are drawn from: the same ones in every run, so that no run fails by chance. For others set
 * `TSUNAGI_SEED` to a number, or to `random`, as `npm run fuzz` does.
 */
export const seed: number = chosen(process.env.TSUNAGI_SEED)

function chosen(wish: string | undefined): number {
  if (wish === undefined) return USUAL
  const number = wish === 'random' ? Math.floor(Math.random() * 0x7fffffff) : Number(wish)
  if (!Number.isSafeInteger(number)) throw new TypeError(`TSUNAGI_SEED is ${wish}: neither a number nor random`)
  return number
}

// Every property of a file that imports this.
fc.configureGlobal({ seed })
