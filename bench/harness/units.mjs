/** How a measured value is written. @typedef {(value: number) => string} Unit */

/** @type {Unit} of values per second */
export const perSecond = (value) =>
  value >= 1e6 ? `${(value / 1e6).toFixed(2)} M/s` : `${(value / 1e3).toPrecision(3)} k/s`
/** @type {Unit} of bytes per second */
export const bytesPerSecond = (value) => `${(value / 1e6).toFixed(0)} MB/s`
/** @type {Unit} of ns */
export const microseconds = (value) => `${(value / 1e3).toFixed(0)} µs`
/** @type {Unit} of ns */
export const nanoseconds = (value) => `${value.toFixed(0)} ns`
/** @type {Unit} of ms */
export const milliseconds = (value) => `${value.toFixed(0)} ms`
/** @type {Unit} of bytes */
export const bytes = (value) => `${value.toFixed(0)} B`
/** @type {Unit} of bytes */
export const megabytes = (value) => `${(value / 1e6).toFixed(0)} MB`
/** @type {Unit} */
export const count = (value) => value.toLocaleString('en', { maximumFractionDigits: 0 })
/** @type {Unit} */
export const percent = (value) => `${value.toFixed(1)} %`
/** @type {Unit} */
export const ratio = (value) => value.toFixed(2)
