import type { Atom, Pid } from '../../term/index.ts'

// Both sides of a lock sort by these orders, so they have to be those of the emulator (erts/emulator/beam/utils.c).

/** Erlang's order of atoms: by their UTF-8. Negative when `a` comes first. */
export function compareAtoms(a: Atom, b: Atom): number {
  return a === b ? 0 : Buffer.compare(a.utf8, b.utf8)
}

/** Erlang's order of pids: by serial and id, then by node, then by creation. */
export function comparePids(a: Pid, b: Pid): number {
  return a.serial - b.serial || a.id - b.id || compareAtoms(a.nodeAtom, b.nodeAtom) || a.creation - b.creation
}

/** The node that is locked first and freed last: the greatest name. */
export function bossOf(nodes: readonly [Atom, ...Atom[]]): Atom {
  return nodes.reduce((boss, node) => (compareAtoms(node, boss) > 0 ? node : boss))
}
