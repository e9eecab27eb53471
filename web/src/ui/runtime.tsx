import type { NodeView, Runtime } from '../../../src/observe/view.ts'

/** How a runtime is called and drawn: a circle is a node of this package, a hexagon one of the BEAM. */
export function familyOf(runtime: Runtime): 'typescript' | 'beam' | 'unknown' {
  if (runtime === 'typescript' || runtime === 'unknown') return runtime
  return 'beam'
}

const NAMES: Readonly<Record<Runtime, string>> = {
  typescript: 'TypeScript',
  erlang: 'Erlang',
  elixir: 'Elixir',
  gleam: 'Gleam',
  unknown: 'unknown runtime',
}

/** `Elixir 1.17 · OTP 27`, `TypeScript · Node.js 20.20.2`. */
export function runtimeText({ runtime, versions }: Pick<NodeView, 'runtime' | 'versions'>): string {
  const { node, otp, elixir, gleam } = versions
  const own = runtime === 'elixir' ? elixir : runtime === 'gleam' ? gleam : undefined
  const name = own === undefined ? NAMES[runtime] : `${NAMES[runtime]} ${own}`
  if (familyOf(runtime) === 'beam') return otp === undefined ? name : `${name} · OTP ${otp}`
  return node === undefined ? name : `${name} · Node.js ${node.replace(/^v/, '')}`
}

/** The shortest that still tells them apart: `Node 20`, `Elixir 1.17`, `OTP 27`. */
export function runtimeBadge({ runtime, versions }: Pick<NodeView, 'runtime' | 'versions'>): string {
  if (runtime === 'typescript')
    return versions.node === undefined ? 'Node.js' : `Node ${versions.node.replace(/^v|\..*/g, '')}`
  if (runtime === 'elixir' && versions.elixir !== undefined) return `Elixir ${versions.elixir.split('.', 2).join('.')}`
  if (familyOf(runtime) === 'beam' && versions.otp !== undefined) return `OTP ${versions.otp}`
  return NAMES[runtime]
}

interface RuntimeMarkProps {
  readonly runtime: Runtime
  readonly hidden: boolean
}

/** The shape alone; what stands beside it has to say the same in words. */
export function RuntimeMark({ runtime, hidden }: RuntimeMarkProps) {
  const family = familyOf(runtime)
  return (
    <svg class="runtime-mark" data-family={family} data-hidden={hidden} viewBox="0 0 16 16" aria-hidden="true">
      {family === 'beam' ? <path d="M8 1.6 13.6 4.8v6.4L8 14.4l-5.6-3.2V4.8Z" /> : <circle cx="8" cy="8" r="5.8" />}
    </svg>
  )
}
