import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
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

/**
 * Keeps a directory for one store of one process. The lock is a file that says which process has it; it is there, whole,
 * from one moment to the next, since it is written under another name and linked.
 *
 * A lock whose process is gone is taken over: after a `kill -9`, a restart of the host, or of a container that keeps its host name.
 * That a pid was given to another process meanwhile is seen by its start time, on Linux; elsewhere such a lock counts as held. So does
 * one of another host, where nobody can look whether its process lives.
 */
export class DirectoryLock {
  readonly #path: string
  readonly #token: string

  private constructor(path: string, token: string) {
    this.#path = path
    this.#token = token
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
    writeFileSync(own, JSON.stringify(ownerHere(token)), { flag: 'wx' })
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        if (tryToLink(own, path)) return new DirectoryLock(path, token)
        const there = readOwner(path)
        if (there === undefined) continue
        if (there === 'unreadable' || !isGone(there)) throw lockedError(directory, path, there)
        removeIfStill(path, there.token, own)
      }
      throw lockedError(directory, path, 'unreadable')
    } finally {
      rmSync(own, { force: true })
    }
  }

  /** Gives it back. Idempotent. */
  release(): void {
    const there = readOwner(this.#path)
    if (there !== undefined && there !== 'unreadable' && there.token === this.#token)
      rmSync(this.#path, { force: true })
  }
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

function isGone({ pid, started, host, system }: Owner): boolean {
  if (host !== hostname()) return false
  // The host was started anew since, or the container was.
  if (system !== systemHere()) return true
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
