import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv, promisify } from 'node:util'
import { Deployment } from 'kubernetes-models/apps/v1'
import { Job } from 'kubernetes-models/batch/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { readConfig } from 'risc-worker'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { parse } from 'yaml'

type Environment = Readonly<Record<string, string>>

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FOLDER = new URL('../../examples/deploy/', import.meta.url)
const DEFAULT_SHUTDOWN_SECONDS = 10
const DATABASE_URL = 'postgres://risc@db.example/idp'

const run = promisify(execFile)
const file = (path: string): Promise<string> => readFile(new URL(path, FOLDER), 'utf8')
const yaml = async (path: string) => parse(await file(path), { merge: true })

const version = async (): Promise<string> =>
  JSON.parse(await readFile(join(ROOT, 'packages/worker/package.json'), 'utf8')).version

/** Finds the first command that is there, by asking it for its version; skips where there is none, and says so. */
async function need(context: TestContext, ...commands: readonly (readonly string[])[]): Promise<string[]> {
  for (const [tool = '', ...options] of commands) {
    const isThere = await run(tool, options).catch(() => undefined)
    if (isThere !== undefined) return [tool, ...options.slice(0, -1)]
  }
  return context.skip(`not run here: no ${commands.map(([tool]) => tool).join(' and no ')}`)
}

/** What a worker would read from it, but for files, which are elsewhere. Throws if it is no configuration. */
const configOf = ({ RISC_CREDENTIAL_KEYS_FILE: _elsewhere, ...env }: Environment) =>
  readConfig({ DATABASE_URL, ...env }, { name: 'test' })

interface Container {
  readonly image: string
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
}

const literals = ({ env }: Container): Environment =>
  Object.fromEntries(
    env.map(({ name, value }) => [name, value ?? (name === 'DATABASE_URL' ? DATABASE_URL : 'from-elsewhere')]),
  )

const MANIFESTS = [
  ['kubernetes/deployment.yaml', 'apps/v1', Deployment],
  ['kubernetes/migrate-job.yaml', 'batch/v1', Job],
  ['kubernetes/pod-disruption-budget.yaml', 'policy/v1', PodDisruptionBudget],
] as const

test('the manifests fit the schemas of Kubernetes', async () => {
  for (const [path, , Model] of MANIFESTS) {
    const manifest = await yaml(path)
    expect(() => new Model(manifest).validate(), path).not.toThrow()
    expect(manifest, path).toMatchObject({ kind: Model.kind, apiVersion: Model.apiVersion })
  }
})

test('no field of a manifest is misspelt', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'risc-manifests-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await symlink(join(ROOT, 'test', 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')

  /** The schemas allow fields that nobody knows; the types do not, of what is written out. */
  async function compile(spoil: (text: string) => string): Promise<string> {
    for (const [index, [path, api, { kind }]] of MANIFESTS.entries()) {
      const literal = spoil(JSON.stringify(await yaml(path)))
      const source = `import type { I${kind} } from 'kubernetes-models/${api}'\nexport const manifest: I${kind} = ${literal}\n`
      await writeFile(join(folder, `manifest-${index}.ts`), source)
    }
    const files = MANIFESTS.map((_, index) => `manifest-${index}.ts`)
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
    const flags = [
      '--noEmit',
      '--ignoreConfig',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--skipLibCheck',
    ]
    return run(tsc, [...flags, ...files], { cwd: folder }).then(
      ({ stdout }) => stdout,
      ({ stdout }: { stdout: string }) => stdout,
    )
  }
  expect(await compile((text) => text)).toBe('')
  const spoilt = await compile((text) =>
    text.replace('"minAvailable"', '"minimumAvailable"').replace('"drop"', '"dorp"'),
  )
  expect(spoilt.match(/"(dorp|minimumAvailable)"' does not exist/g)).toHaveLength(3)
})

test('every pod fits the Pod Security Standard restricted', async () => {
  for (const path of ['kubernetes/deployment.yaml', 'kubernetes/migrate-job.yaml']) {
    const { spec } = (await yaml(path)).spec.template
    expect(spec, path).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    for (const container of spec.containers) {
      expect(container, path).toMatchObject({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        resources: { requests: expect.anything(), limits: { memory: expect.anything() } },
      })
    }
  }
})

test('two workers are deployed, one of which may be evicted, probed where they answer', async () => {
  const { spec } = await yaml('kubernetes/deployment.yaml')
  const budget = (await yaml('kubernetes/pod-disruption-budget.yaml')).spec
  expect(spec.replicas).toBe(2)
  expect(budget.minAvailable).toBe(1)
  expect(budget.selector).toEqual(spec.selector)
  expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels)
  const [{ ports, livenessProbe, readinessProbe, ...container }] = spec.template.spec.containers
  expect(livenessProbe.httpGet).toEqual({ path: '/livez', port: ports[0].name })
  expect(readinessProbe.httpGet).toEqual({ path: '/readyz', port: ports[0].name })
  expect(literals(container)).toMatchObject({ RISC_HTTP_PORT: `${ports[0].containerPort}`, RISC_HTTP_HOST: '0.0.0.0' })
})

test('whatever is set is a setting of the worker, and stopping has more time than the worker takes', async () => {
  const { spec } = (await yaml('kubernetes/deployment.yaml')).spec.template
  const { services } = await yaml('docker/compose.yaml')
  const unit = await file('systemd/risc-worker.service')
  const seconds = (text: string | undefined): number => Number(/^(\d+)s?$/.exec(text ?? '')?.[1])
  const stops: [where: string, env: Environment, withinSeconds: number][] = [
    ['kubernetes', literals(spec.containers[0]), spec.terminationGracePeriodSeconds],
    [
      'systemd',
      parseEnv(await file('systemd/risc-worker.env')) as Environment,
      seconds(/^TimeoutStopSec=(.*)$/m.exec(unit)?.[1]),
    ],
    ['worker-1', services['worker-1'].environment, seconds(services['worker-1'].stop_grace_period)],
    ['worker-2', services['worker-2'].environment, seconds(services['worker-2'].stop_grace_period)],
  ]
  for (const [where, env, withinSeconds] of stops) {
    const { shutdownMs } = configOf(env)
    expect(withinSeconds * 1000, where).toBeGreaterThan(shutdownMs + 5000)
  }
  expect(configOf({}).shutdownMs).toBe(DEFAULT_SHUTDOWN_SECONDS * 1000)
})

test('the keys of credentials are where the worker looks for them, and so is what streams refer to', async () => {
  const { spec } = (await yaml('kubernetes/deployment.yaml')).spec.template
  const [{ volumeMounts, ...container }] = spec.containers
  const [{ name, mountPath }] = volumeMounts
  expect(literals(container)).toMatchObject({
    RISC_CREDENTIAL_KEYS_FILE: `${mountPath}/credential-keys.json`,
    RISC_CREDENTIALS_DIRECTORY: mountPath,
  })
  expect(spec.volumes).toEqual([{ name, secret: { secretName: 'risc-credentials' } }])
  expect(await file('README.md')).toContain('create secret generic risc-credentials --from-file=credential-keys.json')

  const { services, secrets } = await yaml('docker/compose.yaml')
  for (const worker of [services['worker-1'], services['worker-2']]) {
    expect(worker.secrets).toEqual(Object.keys(secrets))
    expect(worker.environment.RISC_CREDENTIAL_KEYS_FILE).toBe(`/run/secrets/${worker.secrets[0]}`)
  }

  const unit = await file('systemd/risc-worker.service')
  const [, id, path = ''] = /^LoadCredential=(.*):(.*)$/m.exec(unit) ?? []
  const [, environment = ''] = /^Environment=(.*)$/m.exec(unit) ?? []
  expect(environment.split(' ')).toEqual([`RISC_CREDENTIAL_KEYS_FILE=%d/${id}`, 'RISC_CREDENTIALS_DIRECTORY=%d'])
  expect(await file('README.md')).toContain(`credential new-key > ${path})`)
})

test('every RISC_ variable that a file here names is a setting of the worker', async () => {
  const files = ['README.md', 'systemd/risc-worker.service', 'systemd/risc-worker.env', 'docker/Dockerfile']
  files.push('docker/compose.yaml', 'kubernetes/deployment.yaml', 'kubernetes/migrate-job.yaml')
  for (const path of files) {
    for (const [name] of (await file(path)).matchAll(/\bRISC_[A-Z_]+[A-Z]\b/g)) {
      expect(unknownSetting(name), `${name} in ${path}`).toBe(false)
    }
  }
})

function unknownSetting(name: string): boolean {
  try {
    configOf({ [name]: '1' })
    return false
  } catch (error) {
    return String(error).includes(`${name} is not a setting`)
  }
}

test('images are of exact versions, this one of the package, and run without root', async () => {
  const dockerfile = await file('docker/Dockerfile')
  expect(dockerfile).toContain(`ARG VERSION=${await version()}\n`)
  expect(dockerfile).toMatch(/^ARG NODE_VERSION=24\.\d+\.\d+$/m)
  const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is Docker's
  expect(stages).toEqual(['node:${NODE_VERSION}-slim', 'node:${NODE_VERSION}-slim'])
  expect(dockerfile.match(/^USER .*$/gm)).toEqual(['USER 1000:1000'])
  const { services } = await yaml('docker/compose.yaml')
  expect(services.postgres.image).toMatch(/:\d+\.\d+$/)
  for (const path of ['kubernetes/deployment.yaml', 'kubernetes/migrate-job.yaml']) {
    const [{ image }] = (await yaml(path)).spec.template.spec.containers
    expect(image).toBe(`registry.example/risc-worker:${await version()}`)
  }
})

test('docker-compose understands the compose file', async (context) => {
  const [tool = '', ...options] = await need(context, ['docker', 'compose', 'version'], ['docker-compose', 'version'])
  const path = fileURLToPath(new URL('docker/compose.yaml', FOLDER))
  const { stdout } = await run(tool, [...options, '-f', path, 'config'], {
    env: { ...process.env, IDP_JWKS: '{"keys":[]}', CREDENTIAL_KEYS_FILE: '/run/keys.json' },
  })
  expect(Object.keys(parse(stdout).services).sort()).toEqual([
    'migrate',
    'postgres',
    'receiver',
    'worker-1',
    'worker-2',
  ])
})

test('systemd takes the unit as it is, and finds it little exposed', async (context) => {
  await need(context, ['systemd-analyze', '--version'])
  const folder = await mkdtemp(join(tmpdir(), 'risc-unit-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'risc-worker.service')
  const unit = await file('systemd/risc-worker.service')
  await writeFile(path, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`)) // it has to be there
  expect(await run('systemd-analyze', ['verify', path])).toEqual({ stdout: '', stderr: '' })
  await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', path])
})
