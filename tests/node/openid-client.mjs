// openid-client as a confidential client: node openid-client.mjs ISSUER RESOURCE REDIRECT_URI
import * as client from 'openid-client'
import { browse, done } from './conversation.mjs'

const [issuerText, resource, redirectUri] = process.argv.slice(2)
const config = await client.dynamicClientRegistration(
  new URL(issuerText),
  {
    client_name: 'openid-client',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  },
  client.ClientSecretBasic(),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: 'read',
  resource,
  state: expectedState,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
})

const arrived = await browse(url)
const tokens = await client.authorizationCodeGrant(
  config, arrived, { pkceCodeVerifier, expectedState }, { resource },
)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, { resource })
const before = await client.tokenIntrospection(config, refreshed.access_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const after = await client.tokenIntrospection(config, refreshed.access_token)
let refusedAs = null
try {
  await client.authorizationCodeGrant(
    config, arrived, { pkceCodeVerifier, expectedState }, { resource },
  )
} catch (error) {
  refusedAs = error.error
}
done({
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  tokenType: tokens.token_type,
  before: before.active,
  after: after.active,
  refusedAs,
})
