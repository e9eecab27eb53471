import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Files in a folder of their own, gone with the scope. */
export class Folder implements Disposable {
  readonly path: string

  constructor(files: Readonly<Record<string, string>> = {}, parent = tmpdir()) {
    this.path = mkdtempSync(join(parent, 'tsunagi-config-'))
    for (const [name, text] of Object.entries(files)) this.write(name, text)
  }

  /** The whole path of the file. */
  write(name: string, text: string): string {
    const file = join(this.path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return file
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
