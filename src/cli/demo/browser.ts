import { spawn } from 'node:child_process'

/** What opens an address where people look at it. */
const OPENERS: { readonly [platform in NodeJS.Platform]?: readonly [string, ...string[]] } = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
  linux: ['xdg-open'],
}

/** Whether somebody sits in front of this, with a screen. */
export function hasScreen(env: NodeJS.ProcessEnv = process.env, terminal = process.stdout.isTTY === true): boolean {
  if (!terminal || env.CI) return false
  if (process.platform !== 'linux') return OPENERS[process.platform] !== undefined && !env.SSH_CONNECTION
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}

/** Opens an address in the browser; resolves with whether that began. What becomes of it is the browser's. */
export function openBrowser(url: string): Promise<boolean> {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
