import { readFileSync } from 'node:fs'

/** This package's version. Read where it is first needed: from the source, from `dist`, or from a part of either. */
export const version: string = find()

function find(): string {
  for (const up of ['..', '../..', '../../..']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8'))
      const { name, version } = manifest as { readonly name?: unknown; readonly version?: unknown }
      if (name === 'tsunagi' && typeof version === 'string') return version
    } catch {
      // Not there.
    }
  }
  return 'unknown'
}
