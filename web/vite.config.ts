import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { fakeServer } from './dev/fake-server.ts'

// The page is plain files under any prefix: every address in it is relative, and nothing is inlined, so that a policy of
// `script-src 'self'; style-src 'self'` holds.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [fakeServer()],
  build: {
    outDir: fileURLToPath(new URL('../dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
