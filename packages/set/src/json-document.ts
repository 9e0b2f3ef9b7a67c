import { createHash } from 'node:crypto'

/** Answers GET and HEAD with a JSON document that caches may keep for `maxAgeSeconds` and ask after by `ETag`. */
export function answerJson(request: Request, document: unknown, maxAgeSeconds: number): Response {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } })
  }
  const body = JSON.stringify(document)
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const headers = { etag, 'cache-control': `public, max-age=${maxAgeSeconds}` }
  if (isKnown(request.headers.get('if-none-match') ?? '', etag)) return new Response(null, { status: 304, headers })
  return new Response(request.method === 'GET' ? body : null, {
    headers: { ...headers, 'content-type': 'application/json' },
  })
}

// A cache may weaken the tag, and the comparison of RFC 9110 §13.1.2 is the weak one.
function isKnown(ifNoneMatch: string, etag: string): boolean {
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}
