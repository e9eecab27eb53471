// Puts the JavaScript of the package together in few files, after `tsc` has written the declarations: Node.js loads a
// dozen files in a third of the time it needs for four hundred. What is not asked for by `import()` stays apart from
// the rest, and so does what other threads and processes begin with. Nothing is minified, and names stay as they are.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const top = fileURLToPath(new URL('..', import.meta.url))

/** Programs of threads and processes, beside the entries of the package and the command. */
const PROGRAMS = ['epmd/worker', 'store/functions/worker', 'cli/demo/member']

const manifest = JSON.parse(readFileSync(`${top}package.json`, 'utf8'))
const files = [...Object.values(manifest.exports), ...Object.values(manifest.bin)].map((it) => it.default ?? it)
const entries = files.filter((file) => file.endsWith('.js')).map((file) => /^(?:\.\/)?dist\/(.*)\.js$/.exec(file)?.[1])
const input = Object.fromEntries([...entries, ...PROGRAMS].map((name) => [name, `${top}src/${name}.ts`]))

const { output } = await build({
  root: top,
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  plugins: [moduleUrls()],
  build: {
    ssr: true,
    target: 'es2023',
    outDir: `${top}dist`,
    emptyOutDir: false,
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      input,
      treeshake: false,
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'chunks/[name]-[hash].js',
        // They are in the declarations and the sources, and would have to be read each time.
        comments: { legal: true, annotation: false, jsdoc: false },
      },
    },
  },
})

const written = new Set(output.map(({ fileName }) => join(top, 'dist', fileName)))
// What builds of other sources have left. The page is another build's.
for (const entry of readdirSync(`${top}dist`, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (/\.js(\.map)?$/.test(path) && !path.startsWith(join(top, 'dist', 'web')) && !written.has(path)) rmSync(path)
}

/**
 * Lets modules find what lies beside them: `import.meta.url` is where `tsc` would have put the module, not the file it is in.
 *
 * @returns {import('vite').Plugin}
 */
function moduleUrls() {
  return {
    name: 'module-urls',
    enforce: 'pre',
    transform(code, id) {
      if (!id.startsWith(`${top}src${sep}`) || !code.includes('import.meta.url')) return
      const path = relative(`${top}src`, id).split(sep).join('/').replace(/\.ts$/, '.js')
      return { code: code.replaceAll('import.meta.url', `__url_of__(${JSON.stringify(path)})`), map: null }
    },
    renderChunk(code, { fileName }) {
      const urlOf = (_call, path) =>
        `new URL(${JSON.stringify(posix.relative(posix.dirname(fileName), path))}, import.meta.url).href`
      return { code: code.replaceAll(/__url_of__\("([^"]+)"\)/g, urlOf), map: null }
    },
  }
}
