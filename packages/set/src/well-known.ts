import { InvalidOptionsError, type Problem } from './error.ts'
import { answerJson } from './json-document.ts'
import { isSecureUrl, secureUrlProblem } from './secure-url.ts'

/** A handler of a discovery document, and the path it belongs at. */
export interface WellKnownHandler {
  (request: Request): Response
  readonly path: string
}

const maxAgeSeconds = 3600

/** Makes the handler of `/.well-known/<name>` for a document with an issuer. Arrays without elements are left out. */
export function wellKnown(
  name: string,
  document: { readonly issuer: string; readonly [member: string]: unknown },
): WellKnownHandler {
  const problems = problemsOf(document)
  if (problems.length > 0) throw new InvalidOptionsError(problems)
  const members = Object.entries(document).filter(([, value]) => !Array.isArray(value) || value.length > 0)
  const content = Object.fromEntries(members)
  // SSF 1.0 §7.2.1: between the issuer's host and its path, whose last slash is dropped.
  const path = `/.well-known/${name}${new URL(document.issuer).pathname.replace(/\/$/, '')}`
  return Object.assign((request: Request) => answerJson(request, content, maxAgeSeconds), { path })
}

function problemsOf(document: Readonly<Record<string, unknown>>): readonly Problem[] {
  const urls = Object.entries(document).filter(
    ([name, value]) => /^(?:issuer|.*_uri|.*_endpoint)$/.test(name) && value !== undefined,
  )
  const problems = urls.filter(([, value]) => !isSecureUrl(value)).map(([name]) => secureUrlProblem(name))
  if (/[?#]/.test(String(document['issuer']))) {
    problems.push({ path: 'issuer', message: 'must have neither query nor fragment', section: 'SSF 1.0 §7.1' })
  }
  return problems
}
