import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

/** Ends the output of a run by `N passed, N failed`. Whatever broke outside of a test counts as failed. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: TestRunEndReason): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const inState = (state: string) => tests.filter((test) => test.result().state === state).length
    const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]).filter(hasErrors)
    const failed = inState('failed') + broken.length + unhandledErrors.length
    const nothingRan = failed === 0 && reason === 'failed' // a failed global setup leaves neither files nor errors here
    console.log(`${inState('passed')} passed, ${nothingRan ? 1 : failed} failed`)
  }
}

/** Its own: it could not be imported, or a hook failed. */
function hasErrors(part: { errors(): readonly unknown[] }): boolean {
  return part.errors().length > 0
}
