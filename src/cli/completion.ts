import { COMPLETE, FILES } from './completion-protocol.ts'
import { type OutputOptions, report } from './output.ts'

/** Prints the script of a shell. */
export async function completion(shell: keyof typeof scripts, options: OutputOptions): Promise<void> {
  const script = scripts[shell]
  report(options, { shell, script }, script.trimEnd())
}

// All three ask the command itself, which knows what there is; it answers with lines of a word, a tab and a description.
const scripts = {
  // Bash ends words at @ and :, too, and wants only what follows the last of them.
  bash: `# tsunagi: completion for bash
_tsunagi() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() value typed head
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  typed=\${words[\${#words[@]}-1]}
  head=\${typed%"\${typed##*["$COMP_WORDBREAKS"]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    if [[ $value == ${FILES} ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$typed")
    else
      COMPREPLY+=("\${value#"$head"}")
    fi
  done < <("$1" ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
}
complete -F _tsunagi tsunagi
`,
  zsh: `#compdef tsunagi
_tsunagi() {
  local -a found
  local line
  for line in "\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      ${FILES}*) _files; return ;;
      *) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  _describe tsunagi found
}
if [[ \${funcstack[1]} == _tsunagi ]]; then _tsunagi "$@"; else compdef _tsunagi tsunagi; fi
`,
  fish: `# tsunagi: completion for fish
function __tsunagi_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] ${COMPLETE} $words[2..-1] 2>/dev/null)
  if string match -q '${FILES}*' -- "$found[1]"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c tsunagi -f -a '(__tsunagi_complete)'
`,
} as const
