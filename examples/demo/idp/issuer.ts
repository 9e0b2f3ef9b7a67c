/** The name of the IdP in every SET and every subject: a URL, as OpenID Connect has it. */
export const ISSUER = 'https://idp.example/'
