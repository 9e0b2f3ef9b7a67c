export { type Environment, type LogLevel, readConfig, type WorkerConfig } from './config.ts'
export {
  AddressUnavailableError,
  InvalidConfigError,
  MigrationDeniedError,
  UnknownRoleError,
  UnknownSchemaError,
  UnsupportedPostgresError,
} from './errors.ts'
export type { GrantName, RoleGrant } from './grants.ts'
export type { HttpAddress } from './http-server.ts'
export { type MigrationResult, migrate } from './migrate.ts'
export { startWorker, type Worker, type WorkerOptions } from './worker.ts'
