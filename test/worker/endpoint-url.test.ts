import { expect, test } from 'vitest'
import { checkEndpointUrl } from '../../packages/worker/src/endpoint-url.ts'

const strict = { allowLoopback: false }

test.each(['https://agency.example.gov/events', 'https://agency.example.gov:443/', 'https://a.example.?x=1'])(
  '%s may be pushed to',
  (url) => {
    expect(checkEndpointUrl(url, strict)).toBeUndefined()
  },
)

test.each([
  ['not a url', 'not an absolute URL'],
  ['http://agency.example.gov/', 'not https:'],
  ['ftp://agency.example.gov/', 'not https:'],
  ['https://user:secret@agency.example.gov/', 'carries credentials'],
  ['https://agency.example.gov/#x', 'fragment'],
  ['https://agency.example.gov:8443/', 'port other than 443'],
  ['https://127.0.0.1/', 'an address'],
  ['https://2130706433/', 'an address'],
  ['https://0x7f.1/', 'an address'],
  ['https://[::ffff:7f00:1]/', 'an address'],
  ['https://8.8.8.8/', 'an address'],
  ['https://localhost/', 'public host'],
  ['https://localhost./', 'public host'],
  ['https://a.localhost/', 'public host'],
  ['https://intranet/', 'public host'],
])('%s may not: it %s', (url, problem) => {
  expect(checkEndpointUrl(url, strict)).toContain(problem)
})

test('loopback needs its own permission, which opens nothing else', () => {
  const lax = { allowLoopback: true }
  expect(checkEndpointUrl('http://127.0.0.1:8080/x', strict)).toBeDefined()
  expect(checkEndpointUrl('http://127.0.0.1:8080/x', lax)).toBeUndefined()
  expect(checkEndpointUrl('http://[::1]:8080/x', lax)).toBeUndefined()
  expect(checkEndpointUrl('http://localhost:8080/x', lax)).toBeDefined()
  expect(checkEndpointUrl('http://10.0.0.1:8080/x', lax)).toBeDefined()
  expect(checkEndpointUrl('http://127.0.0.1.example.com/x', lax)).toBeDefined()
})

test('what is wrong is said without the URL', () => {
  expect(checkEndpointUrl('https://user:hunter2@h.example/', strict)).not.toContain('hunter2')
})
