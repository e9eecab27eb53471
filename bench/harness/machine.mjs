import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'

/** What the numbers depend on. */
export function describeMachine() {
  const cpus = os.cpus()
  return {
    processor: cpus[0]?.model.trim() || os.arch(),
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${/^\d+\.\d+/.exec(os.release())?.[0] ?? os.release()} ${os.arch()}`,
  }
}

/** @returns {Record<string, string>} what took part → its version, without what is not installed */
export function describeVersions() {
  const versions = {
    'Node.js': process.version.slice(1),
    tsunagi: packageVersion('../../package.json'),
    'Erlang/OTP': output('erl', ['-noshell', '-eval', 'io:format("~s", [erlang:system_info(otp_release)]), halt().']),
    'nats-server': output('nats-server', ['--version'])?.replace(/^\D*/, ''),
    '@nats-io/transport-node': packageVersion('../node_modules/@nats-io/transport-node/package.json'),
    'redis-server': /v=([\d.]+)/.exec(output('redis-server', ['--version']) ?? '')?.[1],
    ioredis: packageVersion('../node_modules/ioredis/package.json'),
    moleculer: packageVersion('../node_modules/moleculer/package.json'),
    msgpackr: packageVersion('../node_modules/msgpackr/package.json'),
    erlpack: packageVersion('../node_modules/erlpack/package.json'),
  }
  return Object.fromEntries(Object.entries(versions).flatMap(([name, version]) => (version ? [[name, version]] : [])))
}

/** @param {string} path */
function packageVersion(path) {
  try {
    return String(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version)
  } catch {
    return undefined
  }
}

/** @param {string} program @param {string[]} args */
function output(program, args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
