/** Two loops, each held by the other. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 44 32" fill="none" stroke-width="3.6" aria-hidden="true" focusable="false">
      <rect x="3" y="5" width="25" height="15" rx="7.5" class="mark-indigo" />
      <rect x="16" y="12" width="25" height="15" rx="7.5" class="mark-plum" />
      {/* Over and under: a piece of the first loop once more, above the second. */}
      <path d="M28 12.5v-.2A7.5 7.5 0 0 0 20.500 5" class="mark-indigo" />
      <path d="M23.5 20h-3" class="mark-indigo" />
    </svg>
  )
}
