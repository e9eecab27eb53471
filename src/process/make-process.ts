import { boolean, knownOnly, oneOf } from '../base/options.ts'
import type { LocalProcess } from './local-process.ts'
import { checkName } from './names.ts'
import type { SpawnOptions } from './process.ts'
import type { ProcessTable } from './process-table.ts'

type ProcessKind<P extends LocalProcess> = new (table: ProcessTable, options: SpawnOptions) => P

/**
 * Makes a process and gives it its name; it does not run yet.
 *
 * @throws TsunagiError `ERR_NAME_TAKEN`; OptionError.
 */
export function makeProcess<P extends LocalProcess>(
  table: ProcessTable,
  Kind: ProcessKind<P>,
  options: SpawnOptions,
): P {
  checkSpawnOptions(options)
  if (options.name === undefined) return new Kind(table, options)
  const name = checkName(options.name)
  table.names.checkFree(name)
  const process = new Kind(table, options)
  table.names.register(name, process)
  return process
}

export const spawnOptions = ['name', 'trapExit', 'overflow', 'terms'] as const

/** @throws OptionError */
export function checkSpawnOptions(options: SpawnOptions): void {
  knownOnly(options, spawnOptions)
  const { name, overflow, trapExit } = options
  if (name !== undefined) checkName(name)
  if (trapExit !== undefined) boolean(trapExit, 'trapExit')
  if (overflow !== undefined) oneOf('exit', 'drop')(overflow, 'overflow')
}
