// openid-client binds its tokens: node openid-client-dpop.mjs ISSUER RESOURCE REDIRECT_URI
import * as client from 'openid-client'
import { browse, done } from './conversation.mjs'

const [issuerText, resource, redirectUri] = process.argv.slice(2)
const config = await client.dynamicClientRegistration(
  new URL(issuerText),
  {
    client_name: 'openid-client with a key',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    dpop_bound_access_tokens: true,
  },
  client.None(),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const key = await DPoP.calculateThumbprint()
const arrived = await browse(
  client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid email',
    state: expectedState,
    dpop_jkt: key,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }),
)
const tokens = await client.authorizationCodeGrant(
  config, arrived, { pkceCodeVerifier, expectedState }, undefined, { DPoP },
)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
const info = await client.fetchUserInfo(
  config, refreshed.access_token, client.skipSubjectCheck, { DPoP },
)
let unboundRefusedAs = null
try {
  await client.refreshTokenGrant(config, refreshed.refresh_token)
} catch (error) {
  unboundRefusedAs = error.error
}
done({ types: [tokens.token_type, refreshed.token_type], email: info.email, unboundRefusedAs })
