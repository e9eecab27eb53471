import type { Argument, Command, Option } from 'commander'
import { describe, expect, it } from 'vitest'
import { TsunagiError } from '../../src/base/errors.ts'
import { nextStep } from '../../src/cli/failure.ts'
import { createProgram } from '../../src/cli/program.ts'
import { ConnectError, type ConnectErrorCode } from '../../src/dist/connect-error.ts'
import { runHere } from './support.ts'

interface Mistake {
  readonly title: string
  readonly args: readonly string[]
  /** What has to be said. */
  readonly says: RegExp
}

/** What an argument can be, by its name, so that only one thing is wrong at a time. */
const GOOD: Readonly<Record<string, string>> = {
  node: 'a@127.0.0.1',
  'm:f': 'lists:sum',
  term: 'ok',
  args: '[]',
  shell: 'bash',
  what: 'cluster',
}

const good = (argument: Argument): string => GOOD[argument.name()] ?? 'x'

/** Every wrong use that follows from what a command says of itself. */
function mistakesOf(path: string, command: Command): readonly Mistake[] {
  const words = path.split(' ')
  const args = command.registeredArguments
  const whole = [...words, ...args.map(good)]
  const found: Mistake[] = [
    {
      title: 'an unknown option',
      args: [...whole, '--nonsense'],
      says: /unknown option '--nonsense'(: expected one of --|; did you mean --)/,
    },
    { title: 'an option misspelt', args: [...whole, '--jsno'], says: /unknown option '--jsno'; did you mean --json\?/ },
    {
      title: 'an argument too many',
      args: [...whole, 'more'],
      says: /too many arguments.* Expected \d arguments? but got \d/,
    },
  ]
  for (const [at, argument] of args.entries()) {
    if (argument.required) {
      const before = args.slice(0, at).map(good)
      found.push({
        title: `no ${argument.name()}`,
        args: [...words, ...before],
        says: /missing required argument '.+': expected \S+/,
      })
    }
    const wrong = (value: string, says: RegExp): void => {
      const all = args.map((other, index) => (index === at ? value : good(other)))
      found.push({ title: `${argument.name()} ${JSON.stringify(value)}`, args: [...words, ...all], says })
    }
    if (argument.argChoices !== undefined) wrong('nonsense', /Allowed choices are /)
    if (argument.name() === 'node') wrong('nonsense', /expected a node name such as/)
    if (argument.name() === 'node') wrong('a@b@c', /expected a node name such as/)
    if (argument.name() === 'node') wrong('a@127.0.0.1:99999', /expected a node name such as/)
    if (argument.name() === 'term') wrong('{a', /a bracket is not closed/)
    if (argument.name() === 'args') wrong('{1, 2}', /expected a list of arguments/)
    if (argument.name() === 'm:f') wrong('sum', /expected module and function, such as lists:sum/)
  }
  for (const option of command.options) found.push(...wrongValues(option, whole))
  return found
}

function wrongValues(option: Option, whole: readonly string[]): readonly Mistake[] {
  const { argChoices, flags, long, parseArg, required } = option
  const found: Mistake[] = []
  const value = (text: string, says: RegExp): void => {
    found.push({ title: `${long} ${text}`, args: [...whole, long as string, text], says })
  }
  if (required)
    found.push({
      title: `${long} without a value`,
      args: [...whole, long as string],
      says: /argument missing: expected \S+/,
    })
  if (argChoices !== undefined) value('nonsense', /Allowed choices are /)
  else if (parseArg !== undefined && /<(ms|port|n)>/.test(flags)) {
    for (const text of ['nonsense', '-1', '1.5', '1e9', '']) value(text, /It must be a whole number from \d+ to \d+/)
  } else if (parseArg !== undefined) value('a:b:99', /It must be/)
  return found
}

const program = createProgram()
const leaves = program.commands.flatMap((command): readonly [string, Command][] =>
  command.commands.length === 0
    ? [[command.name(), command]]
    : command.commands.map((inner) => [`${command.name()} ${inner.name()}`, inner]),
)

describe('what is wrong is said in one line, with what was expected, and exit code 2:', () => {
  it.each(leaves)('%s', async (path, command) => {
    const mistakes = mistakesOf(path, command)
    expect(mistakes.length).toBeGreaterThan(3)
    for (const { title, args, says } of mistakes) {
      const { code, error } = await runHere(args)
      const [first = '', ...rest] = error.trimEnd().split('\n')
      expect(first, title).toMatch(says)
      expect(first, title).toMatch(/^tsunagi: \S/)
      // A next step at most, and for a term the place that is wrong.
      expect(rest.length, `${title}: ${error}`).toBeLessThan(title.startsWith('term') ? 4 : 2)
      expect(code, title).toBe(2)
    }
  })

  it('the same as JSON with --json', async () => {
    const { code, error } = await runHere(['pnig', '--json'])
    expect(JSON.parse(error)).toEqual({
      error: { code: 'ERR_USAGE', message: "unknown command 'pnig'; did you mean ping?", step: 'See: tsunagi --help' },
    })
    expect(code).toBe(2)
  })

  it('a command that is like none', async () => {
    expect((await runHere(['frobnicate'])).error).toMatch(/unknown command 'frobnicate': expected one of start, epmd, /)
  })

  it('an argument that is none of the choices', async () => {
    const { error } = await runHere(['completion', 'tcsh'])
    expect(error).toContain("argument 'shell' cannot be 'tcsh'. Allowed choices are bash, zsh, fish")
  })

  it('a token without a dashboard, and a token that is too short', async () => {
    const alone = await runHere(['start', '--dashboard-token', 'x'.repeat(20)])
    expect([alone.code, alone.error]).toEqual([2, 'tsunagi: --dashboard-token: expected with --dashboard\n'])
    const short = await runHere(['start', '--name', 'a@127.0.0.1', '--dashboard', '--dashboard-token', 'short'])
    expect([short.code, short.error]).toEqual([2, expect.stringMatching(/^tsunagi: dashboard\.token: expected 16/)])
  })
})

describe('a connection that fails', () => {
  const source = Object.keys({
    ERR_CONNECT_CLOSED: 1,
    ERR_CONNECT_COOKIE: 1,
    ERR_CONNECT_EPMD: 1,
    ERR_CONNECT_FLAGS: 1,
    ERR_CONNECT_HOST: 1,
    ERR_CONNECT_NAME: 1,
    ERR_CONNECT_NOT_ALLOWED: 1,
    ERR_CONNECT_NOT_REGISTERED: 1,
    ERR_CONNECT_PROTOCOL: 1,
    ERR_CONNECT_REFUSED: 1,
    ERR_CONNECT_TIMEOUT: 1,
  }) as readonly ConnectErrorCode[]

  it.each(source)('%s names the next command', (code) => {
    const error = new ConnectError(code, 'b@127.0.0.1', 'why')
    expect(nextStep(error, ['ping', 'b@127.0.0.1'])).toMatch(/tsunagi doctor b@127\.0\.0\.1$/)
    const args = ['call', 'b@127.0.0.1:4000', 'x', 'y', '--epmd-port', '5000']
    expect(nextStep(error, args)).toMatch(/tsunagi doctor b@127\.0\.0\.1:4000 --epmd-port 5000$/)
  })

  it('says what fits: a host that is not known, an EPMD that is there, a store that is not', () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND foo'), { code: 'ENOTFOUND' })
    const unknown = new TsunagiError('ERR_LISTEN', 'cannot listen on foo', { cause })
    expect(nextStep(unknown, ['start'])).toBe('Check the name of the host, or say its address.')
    expect(nextStep(new TsunagiError('ERR_LISTEN', 'taken'), ['epmd'])).toMatch(/an EPMD runs there already/)
    expect(nextStep(new TsunagiError('ERR_LISTEN', 'taken'), ['start'])).toMatch(/^Choose another port/)
    expect(nextStep(new TsunagiError('ERR_NOPROC', 'no such process'), ['store', 'get'])).toMatch(/no such store/)
  })

  it('the doctor does not send to the doctor', () => {
    expect(nextStep(new ConnectError('ERR_CONNECT_HOST', 'b@x.y', 'why'), ['doctor', 'b@x.y'])).toBeUndefined()
  })
})
