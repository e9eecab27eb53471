/**
 * What a distributed function may use without bringing it along. All of these are there on every supported Node.js, in its
 * threads too, and mean the same everywhere. Left out on purpose: `eval` and `Function`, which make code that nobody
 * has checked; `globalThis`, through which all the rest can be had unseen; and what belongs to the process or module
 * the function happens to be in (`process`, `global`, `require`, `module`).
 */
export const ALLOWED_GLOBALS: readonly string[] = Object.freeze([
  // ECMAScript
  ...['undefined', 'NaN', 'Infinity', 'isFinite', 'isNaN', 'parseFloat', 'parseInt'],
  ...['encodeURI', 'encodeURIComponent', 'decodeURI', 'decodeURIComponent', 'escape', 'unescape'],
  ...['Object', 'Array', 'String', 'Number', 'Boolean', 'BigInt', 'Symbol', 'Math', 'JSON', 'Date', 'RegExp', 'Intl'],
  ...['Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry', 'Promise', 'Proxy', 'Reflect'],
  ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
  ...['ArrayBuffer', 'SharedArrayBuffer', 'Atomics', 'DataView', 'Uint8Array', 'Uint8ClampedArray', 'Int8Array'],
  ...['Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array', 'BigUint64Array', 'BigInt64Array'],
  ...['Float32Array', 'Float64Array'],
  // Web platform and Node.js
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'],
  ...['queueMicrotask', 'structuredClone', 'AbortController', 'AbortSignal', 'Event', 'EventTarget', 'DOMException'],
  ...['URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'atob', 'btoa', 'Blob', 'Buffer', 'crypto'],
  ...['fetch', 'Headers', 'Request', 'Response', 'FormData', 'ReadableStream', 'WritableStream', 'TransformStream'],
  ...['console', 'performance'],
])

/** What {@link compile} passes in: makers of terms, and a helper that compilers of TypeScript put into functions. */
export const PROVIDED: readonly string[] = Object.freeze(['atom', 'tuple', '__name'])
