import { type Diagnosis, diagnose } from '../cluster/diagnose.ts'
import { type GuestOptions, startGuest } from './guest.ts'
import { columns, paintFor, report } from './output.ts'

interface DoctorOptions extends GuestOptions {
  readonly as?: string
}

/** Says why a node cannot be connected to. */
export async function doctor(target: string, options: DoctorOptions): Promise<void> {
  const guest = await startGuest(target, options, options.as)
  try {
    const diagnosis = await diagnose(guest, target, { timeout: options.timeout })
    report(options, diagnosis, describe(diagnosis))
    if (!diagnosis.healthy) process.exitCode = 1
  } finally {
    await guest.close()
  }
}

const MARKS = { ok: 'ok', warning: 'warning', failed: 'FAILED', skipped: '-' } as const

function describe({ node, healthy, checks }: Diagnosis): string {
  const paint = paintFor(process.stdout)
  const rows = columns(checks.map(({ step, status, message }) => [MARKS[status], step, message]))
  const todo = checks.flatMap(({ step, advice }) => (advice === undefined ? [] : [`${step}: ${advice}`]))
  const verdict = healthy ? `${node} can be connected to.` : `${node} cannot be connected to.`
  return [rows, '', paint.bold(verdict), ...todo].join('\n')
}
