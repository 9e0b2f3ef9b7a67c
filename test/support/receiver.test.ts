import { expect } from 'vitest'
import { test } from './test.ts'

test('a receiver records requests byte for byte and answers as it was told', async ({ receiver }) => {
  const bank = await receiver((request, n) => ({ status: 400, headers: { 'x-n': `${n}` }, body: request.body }))
  const answer = await post(bank.url, 'a.b.c')
  expect(answer.status).toBe(400)
  expect(answer.headers.get('x-n')).toBe('1')
  expect(await answer.text()).toBe('a.b.c')
  const [request] = await bank.received(1)
  expect(request).toMatchObject({ method: 'POST', path: '/', body: 'a.b.c', headers: { 'content-length': '5' } })
})

test('received waits for as many requests as it is asked for', async ({ receiver }) => {
  const bank = await receiver()
  const first2 = bank.received(2)
  for (const body of ['1', '2', '3']) await post(bank.url, body)
  expect((await first2).map(({ body }) => body)).toEqual(['1', '2'])
})

test('a receiver may hang, and its end ends the waiting', async ({ receiver }) => {
  const bank = await receiver(() => 'hang')
  const answer = expect(post(bank.url, 'x')).rejects.toThrow()
  await bank.received(1)
  await bank.close()
  await answer
  await expect(post(bank.url, 'x')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
})

test('a receiver may reset the connection, and do better next time', async ({ receiver }) => {
  const bank = await receiver(() => 'reset')
  await expect(post(bank.url, 'x')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
  bank.respond = () => ({ status: 202, delayMs: 10 })
  expect((await post(bank.url, 'x')).status).toBe(202)
})

function post(url: string, body: string): Promise<Response> {
  return fetch(url, { method: 'POST', body })
}
