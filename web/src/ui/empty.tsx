import type { ComponentChildren } from 'preact'

/** What stands where there is nothing yet, and what would bring something. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <svg viewBox="0 0 64 28" aria-hidden="true">
        <rect x="2" y="5" width="34" height="18" rx="9" />
        <rect x="28" y="5" width="34" height="18" rx="9" stroke-dasharray="3 4" />
      </svg>
      <p class="title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  )
}

/** Until a section comes for the first time. */
export function Waiting() {
  return (
    <p class="empty" role="status">
      Asking the nodes …
    </p>
  )
}
