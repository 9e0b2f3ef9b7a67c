import { inspect, stripVTControlCharacters } from 'node:util'
import { expect } from 'vitest'
import { findSecrets, type Secret } from './secrets.ts'

/** All that came out of one place since it was last looked through. */
interface Channel {
  readonly name: string
  readonly allowed: readonly Secret[]
  text: string
}

const channels = new Map<string, Channel>()
const errors: Error[] = []

/**
 * Notes what came out of the software under test, for {@link takeLeaks} to look through.
 *
 * @param name where it came out; what comes out of the same place is one text
 * @param allowed what is meant to be there
 */
export function overhear(name: string, text: string, allowed: readonly Secret[] = []): void {
  const channel = channels.get(name) ?? { name, allowed, text: '' }
  channel.text += text
  channels.set(name, channel)
}

/** As {@link overhear}, for all that is in an error when it is looked through: fields and causes too, as loggers print them. */
export function overhearError(error: Error): void {
  errors.push(error)
}

/** Tells where secrets came out since it was last asked, and of which kinds. Never which: a leak is not passed on. */
export function takeLeaks(): string[] {
  for (const error of errors.splice(0)) overhear(`an error: ${error.name}`, inspect(error, { depth: 10 }))
  const leaks: string[] = []
  for (const channel of channels.values()) {
    const found = findSecrets(stripVTControlCharacters(channel.text)).filter((one) => !channel.allowed.includes(one))
    leaks.push(...found.map((secret) => `${secret} in ${channel.name}`))
  }
  channels.clear()
  return leaks
}

/** Fails where a secret came out since it was last asked. */
export function expectSilence(): void {
  expect(takeLeaks(), 'secrets came out').toEqual([])
}

/**
 * What a program is meant to print: `risc-worker receive`, for development, what SETs say, and with `--json` as they came;
 * the example that makes keys, those keys; `risc-worker credential new-key` the one it makes.
 */
export function allowedTo([program = '', command]: readonly string[]): readonly Secret[] {
  if (program === 'receive') return ['SET', 'subject', 'e-mail address']
  if (program === 'credential' && command === 'new-key') return ['symmetric key']
  return program.endsWith('/new-keys.ts') ? ['private key'] : []
}
