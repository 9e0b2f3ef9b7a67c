import { expect, test } from 'vitest'
import { createAddressPolicy } from '../../packages/worker/src/address-policy.ts'
import { checkEndpointUrl } from '../../packages/worker/src/endpoint-url.ts'

const rules = ({ allowLoopback = false, allowedPorts = [] as number[], allowedNetworks = [] as string[] } = {}) => ({
  allowLoopback,
  allowedPorts,
  judgeAddress: createAddressPolicy({ allowLoopback, allowNat64: false, allowedNetworks }),
})

const problemOf = (url: string, settings = {}): string | undefined => checkEndpointUrl(url, rules(settings))?.problem

test.each([
  'https://agency.example.gov/events',
  'https://agency.example.gov:443/',
  'https://a.example?x=1',
  'https://8.8.8.8/',
  'https://[2a00:1450::1]/',
])('%s may be pushed to', (url) => {
  expect(problemOf(url)).toBeUndefined()
})

test.each([
  ['not a url', 'not an absolute URL'],
  ['http://agency.example.gov/', 'not https:'],
  ['http://127.0.0.1/', 'not https:'],
  ['ftp://agency.example.gov/', 'not https:'],
  ['https://user:secret@agency.example.gov/', 'carries credentials'],
  ['https://agency.example.gov/#x', 'fragment'],
  ['https://agency.example.gov:8443/', 'port other than 443'],
  ['https://127.0.0.1/', 'never pushed to'],
  ['https://2130706433/', 'never pushed to'],
  ['https://0x7f.1/', 'never pushed to'],
  ['https://[::ffff:7f00:1]/', 'never pushed to'],
  ['https://10.0.0.1/', 'private address'],
  ['https://localhost/', 'public host'],
  ['https://localhost./', 'public host'],
  ['https://a.localhost/', 'public host'],
  ['https://intranet/', 'public host'],
  ['https://a.example./', 'a dot at its end'],
])('%s may not: it %s', (url, problem) => {
  expect(problemOf(url)).toContain(problem)
})

test('loopback needs its own permission, which opens nothing else', () => {
  const lax = { allowLoopback: true }
  expect(problemOf('http://127.0.0.1:8080/x')).toBeDefined()
  expect(problemOf('http://127.0.0.1:8080/x', lax)).toBeUndefined()
  expect(problemOf('http://[::1]:8080/x', lax)).toBeUndefined()
  expect(problemOf('http://[::ffff:127.0.0.1]:8080/x', lax)).toBeDefined()
  expect(problemOf('http://localhost:8080/x', lax)).toBeDefined()
  expect(problemOf('http://10.0.0.1:8080/x', lax)).toBeDefined()
  expect(problemOf('http://127.0.0.1.example.com/x', lax)).toBeDefined()
})

test('a stream’s ports and networks are allowed, beside 443 and public addresses', () => {
  const inside = { allowedPorts: [8443], allowedNetworks: ['10.20.0.0/16'] }
  expect(problemOf('https://agency.example.gov:8443/', inside)).toBeUndefined()
  expect(problemOf('https://agency.example.gov:22/', inside)).toBeDefined()
  expect(problemOf('https://10.20.0.1:8443/', inside)).toBeUndefined()
  expect(problemOf('https://10.21.0.1:8443/', inside)).toContain('private address')
  expect(problemOf('http://10.20.0.1:8443/', inside)).toContain('not https:')
})

test('what is wrong is said without the URL', () => {
  expect(problemOf('https://user:hunter2@h.example/')).not.toContain('hunter2')
  expect(problemOf('https://10.1.2.3/')).not.toContain('10.1.2.3')
})
