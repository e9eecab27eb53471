import { randomUUID } from 'node:crypto'
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { StoreError } from '../../store-error.ts'

/** Who has a directory. */
interface Owner {
  readonly pid: number
  /** When the process was started, as the system counts it; undefined where it does not tell. */
  readonly started: string | undefined
  readonly host: string
  /** The boot of the host and the process namespace that the pid is of; undefined where the system does not tell. */
  readonly system: string | undefined
  /** No two locks have the same. */
  readonly token: string
}

const NAME = 'lock'
const TRIES = 10
/** Milliseconds between two signs of life. */
const SIGN = 2000
/** Milliseconds without one after which a process that cannot be looked at counts as gone. */
const SILENCE = 10_000

/**
 * Keeps a directory for one store of one process. The lock is a file that says which process has it; it is there, whole,
 * from one moment to the next, since it is written under another name and linked.
 *
 * A lock whose process is gone is taken over, at once after a `kill -9`. That a pid was given to another process meanwhile is seen by
 * its start time, on Linux; elsewhere such a lock counts as held. So does one of another host, where nobody can look whether
 * its process lives.
 *
 * Nor can anybody look into another container, or back before a restart, though the name of the host is the same. Who
 * has a lock writes it anew every 2 s therefore, so that its time tells; after 10 s without, such a lock is taken over.
 */
export class DirectoryLock {
  readonly #path: string
  readonly #token: string
  readonly #signs: NodeJS.Timeout
  readonly #file: number
  #writing = false
  #released = false

  private constructor(path: string, token: string, file: number, text: string) {
    this.#path = path
    this.#token = token
    this.#file = file
    const bytes = Buffer.from(text)
    this.#signs = setInterval(() => this.#sign(bytes), SIGN).unref()
  }

  /**
   * Takes a directory; makes it if it is not there.
   *
   * @throws StoreError `ERR_STORE_LOCKED`: another store has it; an error of the file system
   */
  static take(directory: string): DirectoryLock {
    mkdirSync(directory, { recursive: true })
    const path = join(directory, NAME)
    const token = randomUUID()
    const own = `${path}.${token}`
    const text = JSON.stringify(ownerHere(token))
    const file = openSync(own, 'wx')
    let isTaken = false
    try {
      writeSync(file, text)
      for (let tries = 0; tries < TRIES; tries++) {
        isTaken = tryToLink(own, path)
        if (isTaken) return new DirectoryLock(path, token, file, text)
        const there = readOwner(path)
        if (there === undefined) continue
        // By the clock of the file system, whosever that is.
        const silence = writtenAt(own) - writtenAt(path)
        if (there === 'unreadable' || !isGone(there, silence)) throw lockedError(directory, path, there)
        removeIfStill(path, there.token, own)
      }
      throw lockedError(directory, path, 'unreadable')
    } finally {
      if (!isTaken) closeSync(file)
      rmSync(own, { force: true })
    }
  }

  /** Gives it back. Idempotent. */
  release(): void {
    if (this.#released) return
    this.#released = true
    clearInterval(this.#signs)
    if (!this.#writing) closeSync(this.#file)
    const there = readOwner(this.#path)
    if (there !== undefined && there !== 'unreadable' && there.token === this.#token)
      rmSync(this.#path, { force: true })
  }

  /** Into the file that was linked: never into a lock of somebody else's. */
  #sign(bytes: Buffer): void {
    if (this.#writing) return
    this.#writing = true
    write(this.#file, bytes, 0, bytes.length, 0, () => {
      this.#writing = false
      if (this.#released) closeSync(this.#file)
    })
  }
}

/** When a file was written last. One that is gone: never. */
function writtenAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY
}

function tryToLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Takes a lock away, unless it has become another one's since it was read: then it is put back. */
function removeIfStill(path: string, token: string, own: string): void {
  const aside = `${own}.old`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const taken = readOwner(aside)
  if (taken === undefined || taken === 'unreadable' || taken.token !== token) tryToLink(aside, path)
  unlinkSync(aside)
}

/** Undefined: there is no lock. */
function readOwner(path: string): Owner | 'unreadable' | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const owner = JSON.parse(text) as Owner
    return typeof owner.pid === 'number' && typeof owner.token === 'string' ? owner : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

function ownerHere(token: string): Owner {
  const { pid } = process
  return { pid, started: startOf(pid), host: hostname(), system: systemHere(), token }
}

/** `silence`: milliseconds since its last sign of life. */
function isGone({ pid, started, host, system }: Owner, silence: number): boolean {
  if (host !== hostname()) return false
  // The host was started anew since, or the container was; or it is another one of that name, and lives.
  if (system !== systemHere()) return silence >= SILENCE
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const now = startOf(pid)
  return started !== undefined && now !== undefined && now !== started
}

/** The 22nd field of `/proc/PID/stat`: proc(5). The second may have spaces and brackets in it. */
function startOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function systemHere(): string | undefined {
  const boot = readIfThere('/proc/sys/kernel/random/boot_id')?.trim()
  if (boot === undefined) return undefined
  try {
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return boot
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function lockedError(directory: string, path: string, owner: Owner | 'unreadable'): StoreError {
  const who = owner === 'unreadable' ? 'another process' : `process ${owner.pid} on ${owner.host}`
  const why = `${directory} is in use by ${who}: each store needs a directory of its own`
  return new StoreError('ERR_STORE_LOCKED', `${why} (if that process is no more, remove ${path})`)
}
