import { expect, test } from 'vitest'
import { explainError } from '../../../packages/worker/src/cli/explain-error.ts'

const withCode = (code: string) => Object.assign(new Error('Bearer hunter2'), { code })

test.each(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'ECONNRESET', 'EAI_AGAIN'])('%s means unreachable', (code) => {
  expect(explainError(withCode(code))).toMatch(/^the database cannot be reached: /)
})

test.each(['timeout exceeded when trying to connect', 'Connection terminated unexpectedly'])(
  '"%s" means unreachable',
  (message) => {
    expect(explainError(new Error(message))).toMatch(/^the database cannot be reached: /)
  },
)

test('a refused login, a missing database, a missing schema, a full and a slow server are told apart', () => {
  const codes = ['28P01', '3D000', '42P01', '53300', '57014']
  expect(codes.map((code) => explainError(withCode(code)))).toEqual([
    expect.stringContaining('role or the password'),
    expect.stringContaining('does not exist'),
    expect.stringContaining('risc-worker migrate'),
    expect.stringContaining('try again'),
    expect.stringContaining('too long'),
  ])
})

test('anything else is told by its message, without a stack', () => {
  expect(explainError(new Error('permission denied for view pending'))).toBe('permission denied for view pending')
  expect(explainError('thrown as text')).toBe('thrown as text')
})
