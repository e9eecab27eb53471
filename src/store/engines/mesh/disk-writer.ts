import type { Meta } from '../../replication/action.ts'
import type { LogEntry } from '../../replication/operation.ts'
import type { TableImage } from '../../replication/table-image.ts'
import type { Disk, DiskSave } from './disk.ts'

/** What a writer needs of the engine. */
export interface DiskWriterHost {
  /** What a new log has to begin with. */
  image(): { readonly meta: Meta; readonly state: TableImage; readonly entries: readonly LogEntry[] }
  /** This save is on the disk, and all before it. */
  saved(id: number): void
  /** Nothing is written any more. Told once. */
  failed(cause: unknown): void
}

/** Writes saves in their order, as many at once as have come meanwhile. */
export class DiskWriter {
  readonly #disk: Disk
  readonly #host: DiskWriterHost
  #saves: (DiskSave & { readonly id: number })[] = []
  #writing: Promise<void> | undefined
  #failed = false
  #closing = false

  constructor(disk: Disk, host: DiskWriterHost) {
    this.#disk = disk
    this.#host = host
  }

  add(save: DiskSave & { readonly id: number }): void {
    if (this.#failed) save.state?.close()
    else this.#saves.push(save)
  }

  /** Begins to write what was added. */
  start(): void {
    if (this.#saves.length > 0) this.#writing ??= this.#write()
  }

  /** Resolves when all is written, as far as it can be. */
  async close(): Promise<void> {
    this.#closing = true
    // After one that fails another may begin.
    while (this.#writing !== undefined) await this.#writing
    await this.#disk.close()
  }

  async #write(): Promise<void> {
    try {
      while (this.#saves.length > 0) {
        const saves = this.#saves
        this.#saves = []
        await this.#disk.write(saves)
        this.#host.saved((saves.at(-1) as (typeof saves)[number]).id)
        if (this.#disk.wantsCompaction && this.#saves.length === 0 && !this.#closing) {
          await this.#disk.compact(this.#host.image(), (error) => {
            if (error !== undefined) this.#fail(error)
          })
        }
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#writing = undefined
      if (!this.#failed) this.start()
    }
  }

  #fail(cause: unknown): void {
    if (this.#failed) return
    this.#failed = true
    for (const { state } of this.#saves) state?.close()
    this.#saves = []
    this.#host.failed(cause)
  }
}
