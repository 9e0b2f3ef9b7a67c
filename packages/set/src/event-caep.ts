import { filled, type Place } from './check.ts'
import { type AgreedValue, oneOf, oneOfOrAgreed } from './choice.ts'
import {
  type CredentialType,
  credentialType,
  seconds,
  type TextByLanguage,
  textByLanguage,
  texts,
} from './event-claims.ts'
import type { EventRules } from './event-rule.ts'
import { type JsonObject, jsonObject } from './json.ts'
import { type MembersOf, optional, required } from './members.ts'

/** What every CAEP event may say (CAEP 1.0 §2). */
export interface CaepClaimsOfAll {
  /** When it happened, in seconds since 1970. */
  readonly event_timestamp?: number
  readonly initiating_entity?: 'admin' | 'user' | 'policy' | 'system'
  readonly reason_admin?: TextByLanguage
  readonly reason_user?: TextByLanguage
}

type ComplianceStatus = 'compliant' | 'not-compliant'
type RiskLevel = 'LOW' | 'MEDIUM' | 'HIGH'

/** The claims of each event of CAEP 1.0 §3, by its type. */
export interface CaepClaims {
  /** A session, or every session of the subject, is revoked (§3.1). */
  readonly 'session-revoked': CaepClaimsOfAll
  /** Claims in a token changed; `claims` has their new values (§3.2). */
  readonly 'token-claims-change': CaepClaimsOfAll & { readonly claims: JsonObject }
  /** A credential was created, changed, revoked or deleted (§3.3). */
  readonly 'credential-change': CaepClaimsOfAll & {
    readonly credential_type: CredentialType
    readonly change_type: 'create' | 'revoke' | 'update' | 'delete'
    readonly friendly_name?: string
    readonly x509_issuer?: string
    readonly x509_serial?: string
    readonly fido2_aaguid?: string
  }
  /** The assurance of the user's authentication or identity changed (§3.4). */
  readonly 'assurance-level-change': CaepClaimsOfAll & {
    readonly namespace: 'RFC8176' | 'RFC6711' | 'ISO-IEC-29115' | 'NIST-IAL' | 'NIST-AAL' | 'NIST-FAL' | AgreedValue
    readonly current_level: string
    readonly previous_level?: string
    /** Given whenever `previous_level` is. */
    readonly change_direction?: 'increase' | 'decrease'
  }
  /** A device met or ceased to meet the rules (§3.5). */
  readonly 'device-compliance-change': CaepClaimsOfAll & {
    readonly previous_status: ComplianceStatus
    readonly current_status: ComplianceStatus
  }
  /** A session was established (§3.6). */
  readonly 'session-established': CaepClaimsOfAll & {
    readonly fp_ua?: string
    readonly acr?: string
    readonly amr?: readonly string[]
    readonly ext_id?: string
  }
  /** A session was seen in use (§3.7). */
  readonly 'session-presented': CaepClaimsOfAll & { readonly fp_ua?: string; readonly ext_id?: string }
  /** The risk seen in a principal changed (§3.8). */
  readonly 'risk-level-change': CaepClaimsOfAll & {
    readonly principal: 'USER' | 'DEVICE' | 'SESSION' | 'TENANT' | 'ORG_UNIT' | 'GROUP' | AgreedValue
    readonly current_level: RiskLevel
    readonly previous_level?: RiskLevel
    readonly risk_reason?: string
  }
}

const common: MembersOf<CaepClaimsOfAll> = {
  event_timestamp: optional(seconds, 'CAEP 1.0 §2'),
  initiating_entity: optional(oneOf('admin', 'user', 'policy', 'system'), 'CAEP 1.0 §2'),
  reason_admin: optional(textByLanguage, 'CAEP 1.0 §2'),
  reason_user: optional(textByLanguage, 'CAEP 1.0 §2'),
}

const base = 'https://schemas.openid.net/secevent/caep/event-type/'
const status = required(oneOf('compliant', 'not-compliant'))
const riskLevel = oneOf('LOW', 'MEDIUM', 'HIGH')

/** What CAEP 1.0 §3 demands of its events. */
export const caepEvents: EventRules<CaepClaims> = {
  'session-revoked': { uri: `${base}session-revoked`, section: 'CAEP 1.0 §3.1', members: common },
  'token-claims-change': {
    uri: `${base}token-claims-change`,
    section: 'CAEP 1.0 §3.2',
    members: { ...common, claims: required(filledObject) },
  },
  'credential-change': {
    uri: `${base}credential-change`,
    section: 'CAEP 1.0 §3.3',
    members: {
      ...common,
      credential_type: required(credentialType),
      change_type: required(oneOf('create', 'revoke', 'update', 'delete')),
      friendly_name: optional(filled),
      x509_issuer: optional(filled),
      x509_serial: optional(filled),
      fido2_aaguid: optional(filled),
    },
  },
  'assurance-level-change': {
    uri: `${base}assurance-level-change`,
    section: 'CAEP 1.0 §3.4',
    members: {
      ...common,
      namespace: required(oneOfOrAgreed('RFC8176', 'RFC6711', 'ISO-IEC-29115', 'NIST-IAL', 'NIST-AAL', 'NIST-FAL')),
      current_level: required(filled),
      previous_level: optional(filled),
      change_direction: optional(oneOf('increase', 'decrease')),
    },
  },
  'device-compliance-change': {
    uri: `${base}device-compliance-change`,
    section: 'CAEP 1.0 §3.5',
    members: { ...common, previous_status: status, current_status: status },
  },
  'session-established': {
    uri: `${base}session-established`,
    section: 'CAEP 1.0 §3.6',
    members: {
      ...common,
      fp_ua: optional(filled),
      acr: optional(filled),
      amr: optional(texts),
      ext_id: optional(filled),
    },
  },
  'session-presented': {
    uri: `${base}session-presented`,
    section: 'CAEP 1.0 §3.7',
    members: { ...common, fp_ua: optional(filled), ext_id: optional(filled) },
  },
  'risk-level-change': {
    uri: `${base}risk-level-change`,
    section: 'CAEP 1.0 §3.8',
    members: {
      ...common,
      principal: required(oneOfOrAgreed('USER', 'DEVICE', 'SESSION', 'TENANT', 'ORG_UNIT', 'GROUP')),
      current_level: required(riskLevel),
      previous_level: optional(riskLevel),
      risk_reason: optional(filled),
    },
  },
}

function filledObject(value: unknown, place: Place): JsonObject | undefined {
  const read = jsonObject(value, place)
  return read !== undefined && Object.keys(read).length === 0 ? place.refuse('must name at least one claim') : read
}
