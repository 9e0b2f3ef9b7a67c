import { Spec, Validation } from '@cyclonedx/cyclonedx-library'

/** What is read of a package's manifest. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

interface Bom {
  readonly metadata?: { readonly component?: Component }
  readonly components?: readonly Component[]
}

interface Component {
  readonly name: string
  readonly version?: string
  readonly licenses?: readonly unknown[]
  readonly externalReferences?: readonly { readonly hashes?: readonly unknown[] }[]
}

/** What is wrong with a package's bill of materials: CycloneDX 1.6, every dependency in it, each licensed and hashed. */
export async function problemsOfSbom(text: string, manifest: Manifest): Promise<readonly string[]> {
  const invalid = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)
  if (invalid !== null) return [JSON.stringify(invalid)]
  const { metadata, components = [] } = JSON.parse(text) as Bom
  const { name, version } = metadata?.component ?? {}
  const listed = new Set(components.map((component) => component.name))
  return [
    ...(name === manifest.name && version === manifest.version ? [] : [`it is about ${name} ${version}`]),
    ...Object.keys(manifest.dependencies ?? {})
      .filter((dependency) => !listed.has(dependency))
      .map((dependency) => `${dependency} is missing`),
    ...components
      .filter((component) => !isKnown(component))
      .map((component) => `${component.name} has no licence or hash`),
  ]
}

/** Packages of the workspace have no hash before they are published. */
function isKnown({ name, licenses = [], externalReferences = [] }: Component): boolean {
  const hashed = name.startsWith('risc-') || externalReferences.some(({ hashes = [] }) => hashes.length > 0)
  return licenses.length > 0 && hashed
}
