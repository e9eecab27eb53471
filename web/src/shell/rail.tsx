import { useEffect, useRef } from 'preact/hooks'
import { Kanji } from '../brand/kanji.tsx'
import { Mark } from '../brand/mark.tsx'
import { useSection } from '../feed/use-feed.ts'
import { hrefOf } from '../route/route.ts'
import { PANELS, type Panel } from './panels.ts'

/** The brand and the way to each panel. */
export function Rail({ current }: { readonly current: Panel }) {
  const overview = useSection('overview')
  const list = useRef<HTMLUListElement>(null)

  // On a narrow screen the list is wider than the screen.
  useEffect(() => {
    const link = list.current?.querySelector<HTMLElement>(`[href="${hrefOf(current.id)}"]`)
    if (list.current !== null && link !== null && link !== undefined) {
      list.current.scrollLeft = link.offsetLeft - (list.current.clientWidth - link.offsetWidth) / 2
    }
  }, [current])

  const counts: Readonly<Record<string, number | undefined>> = {
    nodes: overview?.counts.nodes,
    links: overview?.counts.links,
  }
  return (
    <header class="rail">
      <a class="brand" href={hrefOf('')}>
        <Mark />
        <span>
          <span class="name">tsunagi</span>
          <Kanji />
        </span>
      </a>
      <nav aria-label="Panels">
        <ul class="panels" ref={list}>
          {PANELS.map(({ id, title, Icon }) => (
            <li key={id}>
              <a href={hrefOf(id)} aria-current={id === current.id ? 'page' : undefined}>
                <Icon />
                {title}
                {counts[id] !== undefined && <span class="count">{counts[id]}</span>}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {overview !== undefined && <p class="foot">tsunagi {overview.versions.tsunagi}</p>}
    </header>
  )
}
