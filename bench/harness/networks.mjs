import { execFileSync } from 'node:child_process'

/** @typedef {'left' | 'right'} Side */

/** @type {readonly Side[]} */
export const sides = ['left', 'right']

/** Two network namespaces with a cable between them that can be pulled. It takes iproute2 and the superuser. */
export class Networks {
  #prefix = `tsunagi-bench-${process.pid}`

  /** @param {number} hosts addresses on each side */
  constructor(hosts) {
    try {
      for (const side of sides) ip('netns', 'add', this.#name(side))
      const cable = ['type', 'veth', 'peer', 'name', 'cable', 'netns', this.#name('right')]
      ip('link', 'add', 'cable', 'netns', this.#name('left'), ...cable)
      for (const side of sides) {
        const on = ['-n', this.#name(side)]
        for (let i = 0; i < hosts; i++) ip(...on, 'addr', 'add', `${this.address(side, i)}/24`, 'dev', 'cable')
        for (const device of ['lo', 'cable']) ip(...on, 'link', 'set', device, 'up')
      }
      // Until then programs do not see the addresses.
      for (const side of sides) while (!ip('-n', this.#name(side), '-o', 'link', 'show', 'cable').includes('state UP'));
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** @param {Side} side @param {number} host */
  address(side, host) {
    return `10.83.0.${(side === 'left' ? 1 : 101) + host}`
  }

  /** What a command has to begin with to run there. @param {Side} side */
  inside(side) {
    return ['ip', 'netns', 'exec', this.#name(side)]
  }

  cut() {
    ip('-n', this.#name('left'), 'link', 'set', 'cable', 'down')
  }

  heal() {
    ip('-n', this.#name('left'), 'link', 'set', 'cable', 'up')
  }

  close() {
    for (const side of sides) {
      try {
        ip('netns', 'del', this.#name(side))
      } catch {
        // It was not made, or is gone.
      }
    }
  }

  /** @param {Side} side */
  #name(side) {
    return `${this.#prefix}-${side}`
  }
}

/** @param {...string} args */
function ip(...args) {
  return execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
}
