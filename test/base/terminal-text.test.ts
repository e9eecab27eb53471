import { describe, expect, it, vi } from 'vitest'
import { stderrLogger } from '../../src/base/logger.ts'
import { printable, printableLines } from '../../src/base/terminal-text.ts'

describe('text of others', () => {
  it('cannot command a terminal, nor turn the order of what is read', () => {
    expect(printable('a\u001b[2Jb\u0007\u009bc\n')).toBe('a·[2Jb··c·')
    expect(printable('a\u202eb\u2066c\u2028d')).toBe('a·b·c·d')
    expect(printable('שלום\u200f ok')).toBe('שלום\u200f ok')
  })

  it('cannot pass for a line of its own', () => {
    expect(printableLines('a\ntsunagi: all is well\r')).toBe('a\n  tsunagi: all is well·')
  })

  it('cannot do so in the log either', () => {
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    try {
      stderrLogger.warn({}, 'refused: \u001b]0;owned\u0007\nfine')
      expect(write.mock.calls).toEqual([['tsunagi: refused: ·]0;owned·\n  fine\n']])
    } finally {
      write.mockRestore()
    }
  })
})
