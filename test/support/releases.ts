import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { describeSkipped } from './tools.ts'

/** One installed Erlang/OTP. */
export interface Release {
  /** For titles: `OTP 25`. */
  readonly title: string
  /** What `erlang:system_info(otp_release)` says: `25`. */
  readonly otp: string
  /** The Elixir version that belongs to it, or undefined where it has none. */
  readonly elixir: string | undefined
  /** The directory it lives in by `chroot`, or undefined for the host's own. */
  readonly root: string | undefined
}

/** Where `scripts/otp-setup.sh` keeps the releases that the host does not have. */
export const otpDirectory = process.env.TSUNAGI_OTP_DIR ?? '/var/cache/tsunagi-otp'

// Debian's suite and the oldest release it may hold; sid moves on.
const suites = [
  { suite: 'trixie', oldest: 27, newest: 27 },
  { suite: 'sid', oldest: 29, newest: Number.POSITIVE_INFINITY },
]

/** How to run a program of one release: through `chroot` where it lives in a directory. */
export function commandOf(release: Release, program: string, args: readonly string[]): [string, string[]] {
  return release.root === undefined ? [program, [...args]] : ['chroot', [release.root, program, ...args]]
}

/** The smallest environment OTP programs run in, so that nothing of the developer's own leaks in. */
export function bareEnvironment(release: Release | undefined): Record<string, string> {
  const debian = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return {
    PATH: release?.root === undefined ? (process.env.PATH ?? debian) : debian,
    LC_ALL: 'C.UTF-8',
    ERL_CRASH_DUMP_BYTES: '0',
  }
}

/**
 * The releases tests run against: those `TSUNAGI_OTP` names (`25,27,29`; a release the machine lacks throws; `none` for
 * none), else all that are installed. The first is the host's own where it has one.
 */
export function availableReleases(): readonly Release[] {
  if (process.env.TSUNAGI_OTP === 'none') return []
  const found = installedReleases()
  const wanted = process.env.TSUNAGI_OTP
  if (wanted === undefined || wanted === '') return found
  return wanted.split(',').map((otp) => {
    const release = found.find((candidate) => sameRelease(candidate, otp.trim()))
    if (release === undefined) {
      const have = found.map(({ otp }) => otp).join(', ') || 'none'
      throw new Error(`TSUNAGI_OTP asks for OTP ${otp}, this machine has ${have}: run scripts/otp-setup.sh`)
    }
    return release
  })
}

/** The one release tests use that need not run on each. */
export function hostRelease(): Release | undefined {
  return availableReleases()[0]
}

/**
 * `describe` once per release, or once as skipped where the machine has none. `elixir` leaves out releases without it.
 */
export function describeOtp(
  title: string,
  body: (release: Release) => void,
  { elixir = false }: { elixir?: boolean } = {},
): void {
  const releases = availableReleases().filter((release) => !elixir || release.elixir !== undefined)
  for (const release of releases) {
    const runsOn = elixir ? `${release.title}, Elixir ${release.elixir}` : release.title
    describe(`${title} (${runsOn})`, () => body(release))
  }
  if (releases.length === 0) describeSkipped(title, [elixir ? 'elixir' : 'erl'], () => body(noRelease))
}

/** Lets the titles of a skipped group be collected; none of its tests runs. */
const noRelease: Release = { title: 'no OTP', otp: '0', elixir: undefined, root: undefined }

/** `27` means that release, and `29` the newest: sid is at least that. */
function sameRelease(release: Release, wanted: string): boolean {
  return release.otp === wanted || (wanted === '29' && Number(release.otp) > 29)
}

/** Probed once per run: `global-setup.ts` asks first, and the workers inherit its answer. */
function installedReleases(): readonly Release[] {
  process.env.TSUNAGI_OTP_INSTALLED ??= JSON.stringify(probe())
  return JSON.parse(process.env.TSUNAGI_OTP_INSTALLED) as Release[]
}

function probe(): Release[] {
  const releases: Release[] = []
  const host = ask(undefined)
  if (host !== undefined) releases.push(host)
  for (const { suite, oldest, newest } of suites) {
    const root = join(otpDirectory, suite)
    // Entering another root directory is the superuser's right.
    if (process.getuid?.() !== 0 || !existsSync(join(root, 'usr/bin/erl'))) continue
    const release = ask(root)
    if (release === undefined) continue
    if (Number(release.otp) < oldest || Number(release.otp) > newest) {
      throw new Error(`${root} holds OTP ${release.otp}, expected ${oldest} or newer`)
    }
    if (!releases.some(({ otp }) => otp === release.otp)) releases.push(release)
  }
  return releases
}

function ask(root: string | undefined): Release | undefined {
  const blank: Release = { title: '', otp: '', elixir: undefined, root }
  const otp = run(blank, 'erl', [
    '-noshell',
    '-eval',
    'io:put_chars(erlang:system_info(otp_release)),halt(0,[{flush,true}]).',
  ])
  if (otp === undefined) return undefined
  const elixir = run(blank, 'elixir', ['--short-version'])
  return { title: `OTP ${otp}`, otp, elixir, root }
}

function run(release: Release, program: string, args: readonly string[]): string | undefined {
  try {
    const env = { ...bareEnvironment(release), HOME: '/tmp' }
    const [file, rest] = commandOf(release, program, args)
    return execFileSync(file, rest, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 30_000,
    }).trim()
  } catch {
    return undefined
  }
}
