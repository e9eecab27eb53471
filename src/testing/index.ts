export type { Clock, Timer } from '../base/clock.ts'
export { type MemoryCable, type MemoryOptions, type MemoryPair, memoryCarriers } from '../dist/memory.ts'
export { FakeClock } from './fake-clock.ts'
