import type { Pid } from '../../term/identifiers.ts'
import type { LocalProcess } from '../local-process.ts'
import type { ResolvedChild } from './options.ts'

/** One child of a supervisor, from its specification on until that is deleted. */
export class Child {
  readonly spec: ResolvedChild
  /** Its process, while it runs or starts. */
  process: LocalProcess | undefined
  /** It could not be started again and soon will be tried again. */
  restarting = false

  constructor(spec: ResolvedChild) {
    this.spec = spec
  }

  get pid(): Pid | undefined {
    return this.process?.pid
  }

  get isTemporary(): boolean {
    return this.spec.restart === 'temporary'
  }
}
