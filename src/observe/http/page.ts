import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const compress = promisify(gzip)

/** A file of the page, in every form it is sent in. */
export interface Asset {
  readonly type: string
  readonly etag: string
  /** Its name says what is in it: it never changes. */
  readonly hashed: boolean
  readonly plain: Uint8Array<ArrayBuffer>
  readonly br: Uint8Array<ArrayBuffer> | undefined
  readonly gzip: Uint8Array<ArrayBuffer> | undefined
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.woff2': 'font/woff2',
}

/** What is not smaller for it is not compressed. */
const COMPRESSIBLE = /^(?:text\/|application\/|image\/svg)/

/** Where the page is, seen from this module: built, bundled, or run from source. */
const PLACES = ['./web/', '../web/', '../../web/', '../../../dist/web/']

/**
 * The files of the page by their paths, `/index.html`, held in memory: what is not among them does not exist, whatever a path
 * looks like. Undefined when the page was not built.
 */
export async function loadPage(places = PLACES.map(toPath)): Promise<ReadonlyMap<string, Asset> | undefined> {
  for (const place of places) {
    const names = await filesOf(place)
    if (names.includes('index.html')) return await loadAll(place, names)
  }
  return undefined
}

function toPath(place: string): string {
  return fileURLToPath(new URL(place, import.meta.url))
}

async function filesOf(place: string): Promise<string[]> {
  try {
    const entries = await readdir(place, { recursive: true, withFileTypes: true })
    const files = entries.filter((it) => it.isFile())
    return files.map((it) => relative(place, join(it.parentPath, it.name)).split(sep).join('/'))
  } catch {
    return []
  }
}

async function loadAll(place: string, names: readonly string[]): Promise<Map<string, Asset>> {
  const known = new Set(names)
  const read = async (name: string) => new Uint8Array(await readFile(join(place, name)))
  const assets = names
    .filter((name) => TYPES[extname(name)] !== undefined)
    .map(async (name): Promise<[string, Asset]> => {
      const type = TYPES[extname(name)] as string
      const plain = await read(name)
      return [
        `/${name}`,
        {
          type,
          etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
          hashed: name.startsWith('assets/'),
          plain,
          br: known.has(`${name}.br`) ? await read(`${name}.br`) : undefined,
          gzip: known.has(`${name}.gz`) ? await read(`${name}.gz`) : await zipped(type, plain),
        },
      ]
    })
  return new Map(await Promise.all(assets))
}

async function zipped(type: string, plain: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!COMPRESSIBLE.test(type) || plain.length < 256) return undefined
  const small = new Uint8Array(await compress(plain, { level: 9 }))
  return small.length < plain.length ? small : undefined
}

/** The answer to a request for a file: all of it, in the smallest form the browser reads, or that it has not changed. */
export function answerWith(asset: Asset, header: (name: string) => string | undefined): Response {
  const headers: Record<string, string> = {
    'content-type': asset.type,
    'cache-control': asset.hashed ? 'private, max-age=31536000, immutable' : 'no-cache',
    etag: asset.etag,
    vary: 'accept-encoding',
  }
  if (matches(header('if-none-match'), asset.etag)) return new Response(null, { status: 304, headers })
  const accepted = header('accept-encoding') ?? ''
  const form = (['br', 'gzip'] as const).find((it) => asset[it] !== undefined && accepts(accepted, it))
  if (form !== undefined) headers['content-encoding'] = form
  return new Response(form === undefined ? asset.plain : asset[form], { headers })
}

/** RFC 9110, 13.1.2; a proxy that compresses makes the tag a weak one. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

function accepts(header: string, encoding: string): boolean {
  return header.split(',').some((part) => {
    const [name = '', ...parameters] = part.split(';').map((it) => it.trim().toLowerCase())
    return name === encoding && !parameters.some((it) => /^q=0(?:\.0*)?$/.test(it))
  })
}
