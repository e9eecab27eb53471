import type { Problem } from '../../../../src/observe/view.ts'
import { BadIcon, WarnIcon } from '../../ui/icons.tsx'
import { NodeName } from '../../ui/node-name.tsx'
import { Since } from '../../ui/times.tsx'

/** All that is not as it should be; the verdict names the worst only. */
export function Problems({ problems }: { readonly problems: readonly Problem[] }) {
  if (problems.length === 0) return null
  return (
    <section class="card" aria-labelledby="problems-title">
      <h2 id="problems-title">Problems</h2>
      <ul class="problems">
        {problems.map(({ level, text, since, nodes }) => (
          <li key={`${text} ${since}`} class="problem" data-level={level}>
            {level === 'alarm' ? <BadIcon /> : <WarnIcon />}
            <div>
              <p class="wrap-anywhere">
                <span class="unseen">{level === 'alarm' ? 'Alarm: ' : 'Warning: '}</span>
                {text}
              </p>
              <p class="soft">
                for <Since at={since} />
                {nodes.map((name) => (
                  <span key={name}>
                    {' · '}
                    <NodeName name={name} short />
                  </span>
                ))}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
