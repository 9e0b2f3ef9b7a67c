import { createReceiver, InvalidOptionsError, type VerifyOptions } from 'risc-set'
import { MisuseError } from '../command-error.ts'

/** What a request deserves, and what was read of its body. */
export interface Judged {
  readonly honest: Response
  readonly body: string
}

/**
 * Makes a receiver that verifies what arrives as any other does, and keeps the body to be shown.
 *
 * @throws {@link MisuseError} when the keys' URL is neither `https:` nor of this machine.
 */
export function createHonestReceiver(options: VerifyOptions): (request: Request) => Promise<Judged> {
  const receive = makeReceiver(options)
  return async (request) => {
    const chunks: Uint8Array[] = []
    const body = request.body?.pipeThrough(copyTo(chunks)) ?? null
    const honest = await receive(new Request(request, { body, duplex: 'half' }))
    return { honest, body: Buffer.concat(chunks).toString() }
  }
}

function makeReceiver(options: VerifyOptions): (request: Request) => Promise<Response> {
  try {
    return createReceiver({ ...options, onSet: async () => 'stored' })
  } catch (error) {
    if (error instanceof InvalidOptionsError) throw new MisuseError(error.message)
    throw error
  }
}

/** Only what is read passes, and the receiver stops to read where a body is too long. */
function copyTo(chunks: Uint8Array[]): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      chunks.push(chunk)
      controller.enqueue(chunk)
    },
  })
}
