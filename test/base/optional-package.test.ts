import { expect, it } from 'vitest'
import { loadOptional } from '../../src/base/optional-package.ts'

it('says which package to install', async () => {
  const name = 'a-package-that-nobody-has'
  await expect(loadOptional(name, 'the strategy x', () => import(/* @vite-ignore */ name))).rejects.toMatchObject({
    code: 'ERR_PACKAGE_MISSING',
    message: `the strategy x needs the package ${name}, which is not installed: npm install ${name}`,
  })
})

it('passes on what a package that is there throws', async () => {
  const error = Object.assign(new Error("Cannot find package 'inner' imported from /outer"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })
  await expect(loadOptional('outer', 'the strategy x', () => Promise.reject(error))).rejects.toBe(error)
})

it('answers the package', async () => {
  expect(await loadOptional('x', 'the strategy x', () => Promise.resolve({ a: 1 }))).toEqual({ a: 1 })
})
