import type { Token } from './tokenizer.ts'

/** A token as an error message names it. */
export function shown(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end of the text'
    case 'dot':
      return 'a dot'
    case 'variable':
      return `the variable ${token.text}`
    case 'string':
      return 'a string'
    case 'atom':
      return `the atom ${token.name.length > 40 ? `${token.name.slice(0, 40)}…` : token.name}`
    case 'integer':
      return 'an integer'
    case 'float':
      return 'a float'
    case 'mark':
    case 'word':
      return JSON.stringify(token.text)
    case 'sigil':
      return 'a string'
    case 'identifier':
      return `a ${token.type}`
  }
}

const MAP_HINT = 'a map is written #{key => Value}'

/** What may have been meant where a term should begin. */
export function hintBefore(text: string, token: Token, last: Token | undefined): string | undefined {
  const rest = text.slice(token.start, token.start + 300)
  const word = /^:("?)(\w+)\1/.exec(rest)?.[2]
  if (word !== undefined) return `Elixir's :${word} is written ${word}`
  if (token.kind === 'variable') return variableHint(rest)
  if (token.kind === 'end') {
    return /%\{[^\n]*$/.test(text) ? `% begins a comment; ${MAP_HINT}` : undefined
  }
  if (/^[}\])]|^>>/.test(rest) && last?.kind === 'mark' && last.text === ',')
    return 'there is a comma too many before it'
  return markHint(rest)
}

function variableHint(rest: string): string {
  const module = /^[A-Z]\w*(?:\.[A-Z]\w*)*/.exec(rest)?.[0] ?? '_'
  if (module.includes('.')) return `Elixir's ${module} is written 'Elixir.${module}'`
  return `a word with a capital letter is a variable; the atom is written '${module}', the Elixir module 'Elixir.${module}'`
}

function markHint(rest: string): string | undefined {
  if (/^<\d+\.\d+\.\d+>/.test(rest)) return 'this names no node; write #Pid<node@host.85.0/1699>, as print does'
  if (/^[“”„]/.test(rest)) return 'use straight quotes: "'
  if (/^[‘’]/.test(rest)) return "use straight quotes: '"
  if (/^`/.test(rest)) return "quote atoms with '"
  if (/^\.\d/.test(rest)) return 'a float begins with a digit, as in 0.5'
  if (/^\^|^&/.test(rest)) return 'a function is written fun module:name/1'
  return undefined
}

/** What may have been meant where a term has ended, and something else than a comma or a bracket comes. */
export function hintAt(text: string, token: Token, last: Token | undefined): string | undefined {
  const before = last === undefined ? '' : text.slice(last.start, last.end)
  if (last?.kind === 'mark' && last.text === '#') {
    if (/^#?P[iI][dD]</.test(text.slice(token.start, token.start + 8))) {
      return 'a pid is written #Pid<node@host.85.0/1699>, as print does'
    }
    if (text.startsWith('Fun<', token.start)) return 'a local function has no text that could be read back'
    if (text.startsWith('NotATerm<', token.start)) return 'this stood for a value that has no Erlang form'
  }
  if (token.kind === 'end') {
    return /%\{[^\n]*$/.test(text) ? `% begins a comment; ${MAP_HINT}` : 'a bracket is not closed'
  }
  if (token.kind === 'mark' && token.text === ':') {
    if (last?.kind === 'string') return `JSON's {${before}: …} is written #{<<${before}>> => …}`
    if (last?.kind === 'atom')
      return `Elixir's ${before}: … is written ${before} => … in a map, {${before}, …} in a list`
  }
  if (token.kind === 'mark' && (token.text === '=>' || token.text === '=' || token.text === ':=')) return MAP_HINT
  if (last?.kind === 'variable' || token.kind === 'variable') return undefined
  const begins = ['atom', 'string', 'integer', 'float', 'sigil', 'identifier'].includes(token.kind)
  return begins && before !== '#' ? 'is there a comma missing before it?' : undefined
}
