import { availableReleases } from './releases.ts'

/** Finds the OTP releases once, before the workers start, and says which they are. */
export default function setup(): void {
  const releases = availableReleases().map(({ title, elixir }) => (elixir ? `${title} (Elixir ${elixir})` : title))
  process.stdout.write(`Real nodes in this run: ${releases.join(', ') || 'no Erlang'}\n`)
}
