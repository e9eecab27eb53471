/** What a diagnosis looks at, in this order. */
export const STEPS = [
  'names',
  'host',
  'epmd',
  'registered',
  'port',
  'protocol',
  'allowed',
  'name',
  'flags',
  'cookie',
  'answers',
  'ticks',
  'exposure',
  'mesh',
] as const

export type Step = (typeof STEPS)[number]

/** What came of one step. `skipped`: it needs one that failed, or does not apply. */
export interface Check {
  readonly step: Step
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  /** What was seen, in a sentence. */
  readonly message: string
  /** What to do about it. */
  readonly advice?: string
  /** The code of the error that it would be in `node.connect`. */
  readonly code?: string
}

/** A diagnosis while it is made: checks are added in the order of the steps. */
export class Checks {
  readonly list: Check[] = []

  ok(step: Step, message: string): void {
    this.list.push({ step, status: 'ok', message })
  }

  add(check: Check): void {
    this.list.push(check)
  }

  get failed(): boolean {
    return this.list.some(({ status }) => status === 'failed')
  }

  /** All steps, those that were not come to as skipped. */
  complete(): Check[] {
    const failed = this.list.find(({ status }) => status === 'failed')?.step
    return STEPS.map((step) => {
      const message = failed === undefined ? 'not needed' : `not looked at, because of: ${failed}`
      return this.list.find((check) => check.step === step) ?? { step, status: 'skipped', message }
    })
  }
}
