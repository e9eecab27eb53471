/** docs/first-steps.md and the start of README.md, followed to the letter: their files, their commands, and what they print. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNodeProcess } from '../support/child.ts'
import type { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import { blocksOf, read, top } from './pages.ts'
import { commandsOf } from './shell.ts'

const steps = 'docs/first-steps.md'

/** A folder with the files of the page, in which the package is installed. */
class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tsunagi-first-steps-'))
  readonly #page: string
  readonly #epmdPort: number

  constructor(page: string, epmdPort: number) {
    this.#page = page
    this.#epmdPort = epmdPort
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(top, join(this.folder, 'node_modules/tsunagi'))
    for (const { file, text } of blocksOf(page)) if (file !== undefined) writeFileSync(join(this.folder, file), text)
  }

  /** Runs a command of the page: `node FILE …` or `npx tsunagi …`. It must be there as it is given. */
  run(command: string): OsProcess {
    const [words = []] = commandsOf(command)
    const commands = blocksOf(this.#page).flatMap(({ language, text }) => (language === 'sh' ? commandsOf(text) : []))
    expect(commands).toContainEqual(words)
    const args = words[0] === 'node' ? words.slice(1) : [join(top, 'dist/cli/main.js'), ...words.slice(2)]
    const env = { ERL_EPMD_PORT: String(this.#epmdPort), HOME: this.folder }
    return startNodeProcess(args, { cwd: this.folder, env })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What the page says is printed, in one block. */
const shown = (text: string) => expect(read(steps)).toContain(`\`\`\`text\n${text}\n\`\`\``)

describe(steps, () => {
  it('opens a shop that answers, crashes, and is found again', async () => {
    using project = new Project(steps, await freePort())
    const open = 'shop@127.0.0.1 is open'
    const there = 'shop@127.0.0.1 is there'
    shown(open)
    shown(`${there}\nstock: 9`)
    await using shop = project.run('node shop.mjs')
    await shop.waitForOutput(new RegExp(`^${open}$`))
    await using names = project.run('npx tsunagi names')
    await names.waitForOutput(/^shop {2}\d+$/)
    await using stock = project.run(`npx tsunagi call shop@127.0.0.1 shop '<<"stock">>' --cookie hello`)
    await stock.waitForOutput(/^10$/)

    await using customer = project.run('node customer.mjs')
    await customer.waitForOutput(/^stock: 9$/)
    await using crash = project.run(`npx tsunagi call shop@127.0.0.1 shop '<<"crash">>' --cookie hello`)
    expect((await crash.exited).code).toBe(1)
    expect(crash.output).toEqual(['tsunagi: call to shop on shop@127.0.0.1: no connection to shop@127.0.0.1'])
    shown(crash.output.join('\n'))
    await customer.waitForOutput(/^shop@127\.0\.0\.1 is gone: connection_closed$/)

    const from = customer.output.length
    await using _again = project.run('node shop.mjs')
    await customer.waitForOutput(new RegExp(`^${there}$`), { from })
    await customer.waitForOutput(/^stock: 9$/, { from })
  })

  it('brings a sale to the board', async () => {
    using project = new Project(steps, await freePort())
    await using board = project.run('node board.mjs')
    await using till = project.run('node till.mjs')
    const sold = "sold { item: 'tea', price: 4.5 }"
    shown(sold)
    expect([(await board.exited).code, (await till.exited).code]).toEqual([0, 0])
    expect(board.output).toContain(sold)
  })

  it('computes a value once for both', async () => {
    using project = new Project(steps, await freePort())
    await using one = project.run('node cache.mjs one two')
    await using two = project.run('node cache.mjs two one')
    expect([(await one.exited).code, (await two.exited).code]).toEqual([0, 0])
    const lines = [...one.output, ...two.output].filter((line) => !line.startsWith('tsunagi: '))
    expect(lines.filter((line) => /^(one|two) computes$/.test(line))).toHaveLength(1)
    expect(lines.filter((line) => !line.endsWith('computes')).sort()).toEqual(['one: 42', 'two: 42'])
  })
})

describe('README.md', () => {
  it('has two nodes that find each other, and commands for them', async () => {
    using project = new Project('README.md', await freePort())
    await using b = project.run('node b.mjs')
    await using a = project.run('node a.mjs')
    await b.waitForOutput(/^you said hello$/)
    await using call = project.run(`npx tsunagi call  a@127.0.0.1 parrot '<<"hello">>' --cookie hello`)
    await call.waitForOutput(/^<<"you said hello">>$/)
    a.kill('SIGKILL')
    await b.waitForOutput(/^a@127\.0\.0\.1 is gone: connection_closed$/)
  })
})
