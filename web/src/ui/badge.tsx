import type { ComponentChildren } from 'preact'

export type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'indigo' | 'plum'

interface BadgeProps {
  readonly tone?: Tone
  readonly children: ComponentChildren
  readonly title?: string | undefined
}

/** A word with a tint. The word has to say everything. */
export function Badge({ tone = 'plain', children, title }: BadgeProps) {
  return (
    <span class="badge" data-tone={tone} title={title}>
      {children}
    </span>
  )
}
