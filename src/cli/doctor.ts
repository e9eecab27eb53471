import { Command } from 'commander'
import { type Diagnosis, diagnose } from '../cluster/diagnose.ts'
import { type GuestOptions, startGuest } from './guest.ts'
import { cookieOption, epmdPortOption, jsonOption, timeoutOption, withExample } from './options.ts'
import { columns, paintFor, report } from './output.ts'

interface DoctorOptions extends GuestOptions {
  readonly as?: string
}

/** `tsunagi doctor`: why a node cannot be connected to, and what to do. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Find out why a node cannot be connected to, and what to do. Exits with 1 when something is wrong.')
    .argument('<node>', 'name of the node, with :port to do without EPMD')
    .option('--as <name>', 'dial under this name, which no running node has (default: a random one)')
    .addOption(cookieOption())
    .addOption(epmdPortOption())
    .addOption(timeoutOption(30_000))
    .addOption(jsonOption())
    .action(doctor)
  return withExample(command, 'tsunagi doctor app@127.0.0.1 --cookie secret')
}

async function doctor(target: string, options: DoctorOptions): Promise<void> {
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
