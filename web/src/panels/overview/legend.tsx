import { RuntimeMark } from '../../ui/runtime.tsx'

/** What shapes and lines mean. */
export function Legend() {
  return (
    <ul class="legend" aria-label="Legend">
      <li>
        <RuntimeMark runtime="typescript" hidden={false} /> TypeScript
      </li>
      <li>
        <RuntimeMark runtime="erlang" hidden={false} /> BEAM
      </li>
      <li>
        <RuntimeMark runtime="unknown" hidden /> dashed rim: hidden
      </li>
      <li>
        <svg viewBox="0 0 34 10" aria-hidden="true" class="legend-line">
          <path d="M1 5h14" stroke-width="1.5" />
          <path d="M19 5h14" stroke-width="6" />
        </svg>{' '}
        width: traffic
      </li>
      <li>
        <svg viewBox="0 0 34 10" aria-hidden="true" class="legend-line">
          <path d="M1 5h32" stroke-width="2" stroke-dasharray="2 5" stroke-linecap="round" />
        </svg>{' '}
        dialling
      </li>
    </ul>
  )
}
