import type { StoreView } from '../../../../src/observe/view.ts'
import { useSection } from '../../feed/use-feed.ts'
import { useParam } from '../../route/route.ts'
import { Badge } from '../../ui/badge.tsx'
import { Empty, Waiting } from '../../ui/empty.tsx'
import { plural, shortName } from '../../ui/format.ts'
import { Tabs } from '../../ui/tabs.tsx'
import { FunctionTable } from './function-table.tsx'
import { KeyTable } from './key-table.tsx'
import { StoreNodes } from './store-nodes.tsx'

/** Shared values and functions. Values themselves are never shown. */
export function StorePanel() {
  const stores = useSection('store')
  const [chosen, setChosen] = useParam('store')
  if (stores === undefined) return <Waiting />
  const [first] = stores.stores
  if (first === undefined) {
    return (
      <section class="card">
        <h2>Store</h2>
        <Empty title="No node has a store">
          One is opened by <code>node.store()</code>
        </Empty>
      </section>
    )
  }
  const current = stores.stores.find(({ name }) => name === chosen) ?? first
  return (
    <section class="card" aria-labelledby="store-title">
      <div class="panel-head">
        <h2 id="store-title">Store</h2>
      </div>
      <Tabs
        label="Stores"
        value={current.name}
        tabs={stores.stores.map(({ name, size }) => ({ value: name, label: name, count: size }))}
        onChange={(name) => setChosen(name === first.name ? '' : name)}
      >
        <Facts store={current} />
        <StoreNodes store={current} />
        <KeyTable key={current.name} store={current.name} />
        <FunctionTable store={current} />
      </Tabs>
    </section>
  )
}

function Facts({ store: { engine, loader, split, epoch, size, members } }: { readonly store: StoreView }) {
  return (
    <p class="badges">
      <Badge tone="indigo">engine: {engine}</Badge>
      <Badge>{plural(size, 'key')}</Badge>
      <Badge tone={loader === null ? 'bad' : 'good'}>
        {loader === null ? 'no loader' : `loader: ${shortName(loader)}`}
      </Badge>
      <Badge>epoch {epoch}</Badge>
      {split && <Badge tone="bad">nodes do not agree on the loader</Badge>}
      {members.length > 0 && <Badge>members: {members.map(shortName).join(', ')}</Badge>}
    </p>
  )
}
