import type { Command, CommanderError } from 'commander'

/** A command was used as it cannot be: the sentence says what was expected instead. */
export class UsageError extends Error {
  readonly code = 'ERR_USAGE'
  /** What to do next. */
  readonly step: string

  /** Of what commander says; what is no error, such as a help that was asked for, stays what it is. */
  static of(error: CommanderError, command: Command): CommanderError | UsageError {
    const said = error.exitCode === 0 || error.code === 'commander.help'
    return said ? error : new UsageError(sentence(error, command), `See: tsunagi ${pathOf(command)}--help`)
  }

  constructor(message: string, step: string) {
    super(message)
    this.name = 'UsageError'
    this.step = step
  }
}

/** In one line, with what was expected where commander does not say so. */
function sentence({ code, message }: CommanderError, command: Command): string {
  const [said = '', hint = ''] = message.replace(/^error: /, '').split('\n')
  const [, nearest] = /^\(Did you mean (.*)\?\)$/.exec(hint) ?? []
  const text = said
    .replace(/\.$/, '')
    .replace(/^command-argument value '(.*)' is invalid for argument '(.+)'/, "argument '$2' cannot be '$1'")
  if (nearest !== undefined) return `${text}; did you mean ${nearest}?`
  const expected = expectedOf(code, text, command)
  return expected === undefined ? text : `${text}: expected ${expected}`
}

function expectedOf(code: string, said: string, command: Command): string | undefined {
  switch (code) {
    case 'commander.missingArgument': {
      const [, name] = /'(.+)'$/.exec(said) ?? []
      return command.registeredArguments.find((argument) => argument.name() === name)?.description
    }
    case 'commander.optionMissingArgument': {
      const [, flags] = /'([^']+)'/.exec(said) ?? []
      return command.options.find((option) => option.flags === flags)?.description
    }
    case 'commander.unknownCommand':
      return `one of ${command.commands.map((inner) => inner.name()).join(', ')}`
    case 'commander.unknownOption':
      return `one of ${command.options.map(({ long }) => long).join(', ')}`
    default:
      return undefined
  }
}

/** `store get `, or nothing for the program itself. */
function pathOf(command: Command): string {
  return command.parent === null ? '' : `${pathOf(command.parent)}${command.name()} `
}
