import { expect, it, vi } from 'vitest'
import type { Check, Diagnosis } from '../../src/cluster/index.ts'
import { runCommand } from '../cli/support.ts'
import { missingForNetworks, Networks } from '../support/network-namespaces.ts'
import { freePort, startErl } from '../support/otp.ts'
import { describeOtp, type Release } from '../support/releases.ts'
import { describeSkipped } from '../support/tools.ts'
import { ToldNodes } from './told-nodes.ts'

/** A BEAM node in one network, whose EPMD is that of a node of ours; and the doctor in the other. */
class Ward implements AsyncDisposable {
  readonly networks = Networks.open(1)
  readonly #owned: AsyncDisposable[] = []
  epmdPort = 0
  name = ''

  static async open(release: Release): Promise<Ward> {
    const ward = new Ward()
    try {
      await ward.#start(release)
      return ward
    } catch (error) {
      await ward[Symbol.asyncDispose]()
      throw error
    }
  }

  async #start(release: Release): Promise<void> {
    const [within, host] = [this.networks.inside('right'), this.networks.address('right')]
    const epmdPort = await freePort()
    this.epmdPort = epmdPort
    this.#owned.push(await ToldNodes.start([{ name: `epmd@${host}`, within }], { epmd: { port: epmdPort } }))
    const erl = await startErl({ release, name: `erl@${host}`, epmdPort, within })
    this.#owned.push(erl)
    this.name = erl.name
  }

  /** What the doctor says, and with which exit code. */
  async doctor(name: string): Promise<Diagnosis & { readonly code: number | null }> {
    const options = { epmdPort: this.epmdPort, within: this.networks.inside('left') }
    const { code, text } = await runCommand(
      ['doctor', name, '--cookie', 'secret', '--timeout', '120000', '--json'],
      options,
    )
    return { ...(JSON.parse(text) as Diagnosis), code }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const owned of this.#owned.reverse()) await owned[Symbol.asyncDispose]()
    this.networks.remove()
  }
}

const failed = ({ checks }: Diagnosis): Check | undefined => checks.find(({ status }) => status === 'failed')

const unreachable = (release: Release): void => {
  it('is told to be so, whether a firewall drops what is sent there or there is no way to it', async () => {
    await using ward = await Ward.open(release)
    const { name, epmdPort, networks } = ward
    // The EPMD listens more widely than on loopback only when it has seen such a name.
    const patience = { timeout: 60_000, interval: 100 }
    const { checks } = await vi.waitFor(async () => {
      const well = await ward.doctor(name)
      expect(well).toMatchObject({ healthy: true, code: 0 })
      return well
    }, patience)
    const exposure = checks.find(({ step }) => step === 'exposure')
    expect(exposure).toMatchObject({ status: 'warning', message: expect.stringContaining('in clear text') })
    const registered = checks.find(({ step }) => step === 'registered')
    const port = Number(/at port (\d+)/.exec(registered?.message ?? '')?.[1])
    networks.silence('right', port)
    const dropped = await ward.doctor(name)
    expect(dropped.code).toBe(1)
    expect(failed(dropped)).toMatchObject({ step: 'port', code: 'ERR_CONNECT_TIMEOUT' })
    expect(failed(dropped)?.advice).toContain('A firewall drops what is sent there')
    networks.silence('right', epmdPort)
    const mute = failed(await ward.doctor(name))
    expect(mute).toMatchObject({ step: 'epmd', code: 'ERR_CONNECT_EPMD' })
    expect(mute?.advice).toContain(`open port ${epmdPort}`)
    networks.ip('left', 'route', 'add', 'unreachable', networks.address('right'))
    const lost = failed(await ward.doctor(name))
    expect(lost).toMatchObject({ step: 'epmd', message: expect.stringContaining('EHOSTUNREACH') })
    const byPort = failed(await ward.doctor(`${name}:${port}`))
    expect(byPort).toMatchObject({ step: 'port', code: 'ERR_CONNECT_HOST', message: expect.stringContaining('no way') })
  }, 240_000)
}

const missing = missingForNetworks()
const title = 'a node that cannot be reached'
if (missing.length === 0) describeOtp(title, unreachable)
else describeSkipped(title, missing, () => {})
