import { expect, it } from 'vitest'
import { Log } from '../../../src/store/replication/log.ts'
import { type AppendHead, Outflow } from '../../../src/store/replication/outflow.ts'
import { TableImage } from '../../../src/store/replication/table-image.ts'
import { Version } from '../../../src/store/version.ts'

const at = (sequence: number): Version => new Version(1, 'a', sequence)

it('a table is not sent again because of what the follower said before it had it', () => {
  const log = new Log()
  log.reset(at(50))
  let snapshots = 0
  const snapshot = () => new TableImage(++snapshots, new Map(), at(50), [], [], () => {})
  const fill = (outflow: Outflow, sentAt: number, beat: boolean) => {
    const head = { epoch: at(0), commit: 50, all: 0, accepts: true, start: 1, unanimous: false, sentAt }
    return [...outflow.fill(log, head satisfies AppendHead, beat, snapshot)].map(({ kind }) => kind)
  }
  const outflow = new Outflow(51, true)
  expect(fill(outflow, 1, true)).toEqual(['append'])
  expect(fill(outflow, 2, true)).toEqual(['append'])
  outflow.mismatched(0, 1)
  expect(fill(outflow, 3, false)).toEqual(['snapshot'])
  // The answer to the second one, which was under way.
  outflow.mismatched(0, 2)
  expect(fill(outflow, 4, true)).toEqual(['append'])
  expect(snapshots).toBe(1)
  // It has not got the table at all.
  outflow.mismatched(0, 4)
  expect(fill(outflow, 5, false)).toContain('snapshot')
})
