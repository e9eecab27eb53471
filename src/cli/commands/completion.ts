import { Argument, Command } from 'commander'
import { jsonOption, lazily, withExample } from './options.ts'

/** `tsunagi completion`: a script with which a shell completes what is typed. */
export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Print a script that completes commands, options and nodes in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addOption(jsonOption('print the script in a line of JSON'))
    .action(lazily(async () => (await import('../completion.ts')).completion))
  return withExample(
    command,
    'eval "$(tsunagi completion bash)"                  # in ~/.bashrc',
    'eval "$(tsunagi completion zsh)"                   # in ~/.zshrc, after compinit',
    'tsunagi completion fish > ~/.config/fish/completions/tsunagi.fish',
  )
}
