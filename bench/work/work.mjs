/**
 * @typedef {object} PairWork what every pair of processes does in the same way
 * @property {string} name key in the results
 * @property {string} group for `--only`
 * @property {string} title
 * @property {(pair: import('../participants/participant.mjs').Pair, ms: number) => Promise<Record<string, number>>} run
 *   one measurement of about `ms` milliseconds, warm-up apart: metric → value
 */
