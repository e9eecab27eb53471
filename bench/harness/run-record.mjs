import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * What `results/latest.json` holds.
 *
 * @typedef {object} RunRecord
 * @property {string} date
 * @property {string} command
 * @property {number} rounds
 * @property {number} ms
 * @property {ReturnType<typeof import('./machine.mjs').describeMachine>} machine
 * @property {Record<string, string>} versions
 * @property {string[]} notes what could not be measured, and why
 * @property {import('./results.mjs').Row[]} results
 * @property {ReturnType<typeof import('./targets.mjs').judge>} targets
 */

const latest = new URL('../results/latest.json', import.meta.url)

/** @returns {RunRecord} */
export function readRecord() {
  return JSON.parse(readFileSync(latest, 'utf8'))
}

/** @param {RunRecord} record */
export function writeRecord(record) {
  mkdirSync(new URL('.', latest), { recursive: true })
  writeFileSync(latest, `${JSON.stringify(record, null, 2)}\n`)
}

const begin = '<!-- bench -->'
const end = '<!-- /bench -->'

/**
 * Puts `markdown` between the two marks of the file `name`, or makes the file of it.
 *
 * @param {string} name
 * @param {string} markdown
 */
export function writeMarkdown(name, markdown) {
  // npm runs a script where its package is; a path is meant from where the command was typed.
  const file = resolve(process.env.INIT_CWD ?? '', name)
  const block = `${begin}\n\n${markdown}\n\n${end}`
  const text = existsSync(file) ? readFileSync(file, 'utf8') : `${block}\n`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`)
  writeFileSync(file, text.slice(0, from) + block + text.slice(to + end.length))
}
