import type { Pid } from '../../term/index.ts'

/** Fewer pids than this are found by looking at each. */
const MANY = 9
/** Serials below this leave both numbers of a pid room in one. */
const SERIALS = 2 ** 21

/** What tells a pid from others of the same incarnation of the same node. */
export function pidKey(pid: Pid): number | string {
  return pid.serial < SERIALS ? pid.serial * 2 ** 32 + pid.id : pid.key
}

/** Pids of one incarnation of one node, each as often as it was added, in no order. Adding and taking is O(1). */
export class Bag {
  /** Each pid once. */
  readonly #pids: Pid[] = []
  /** The place of each in the list, once there are many. */
  #places: Map<number | string, number> | undefined
  /** How many times more than once a pid is here, for those that are. */
  #more: Map<number | string, number> | undefined
  #size = 0

  /** How many there are, counting each as often as it was added. */
  get size(): number {
    return this.#size
  }

  add(pid: Pid): void {
    this.#size++
    if (this.#placeOf(pid) !== undefined) {
      const key = pidKey(pid)
      this.#more ??= new Map()
      this.#more.set(key, (this.#more.get(key) ?? 0) + 1)
      return
    }
    this.#places?.set(pidKey(pid), this.#pids.length)
    this.#pids.push(pid)
    if (this.#places === undefined && this.#pids.length >= MANY) {
      this.#places = new Map(this.#pids.map((each, place) => [pidKey(each), place]))
    }
  }

  /** Takes a pid out, once. False when it is not here. */
  take(pid: Pid): boolean {
    const place = this.#placeOf(pid)
    if (place === undefined) return false
    this.#size--
    const key = pidKey(pid)
    const more = this.#more?.get(key)
    if (more === undefined) this.#removeAt(place, key)
    else if (more === 1) this.#more?.delete(key)
    else this.#more?.set(key, more - 1)
    return true
  }

  /** All of them. */
  *[Symbol.iterator](): Generator<Pid, void, undefined> {
    yield* this.#pids
    if (this.#more === undefined || this.#more.size === 0) return
    for (const pid of this.#pids) {
      for (let more = this.#more.get(pidKey(pid)) ?? 0; more > 0; more--) yield pid
    }
  }

  #placeOf(pid: Pid): number | undefined {
    if (this.#places !== undefined) return this.#places.get(pidKey(pid))
    const place = this.#pids.findIndex((each) => each.id === pid.id && each.serial === pid.serial)
    return place === -1 ? undefined : place
  }

  /** The last takes the place. */
  #removeAt(place: number, key: number | string): void {
    this.#places?.delete(key)
    const last = this.#pids.pop() as Pid
    if (place === this.#pids.length) return
    this.#pids[place] = last
    this.#places?.set(pidKey(last), place)
  }
}
