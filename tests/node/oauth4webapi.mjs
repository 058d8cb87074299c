// oauth4webapi as a public MCP client: node oauth4webapi.mjs ISSUER RESOURCE REDIRECT_URI
import * as oauth from 'oauth4webapi'
import { browse, done } from './conversation.mjs'

const [issuerText, resource, redirectUri] = process.argv.slice(2)
const issuer = new URL(issuerText)
const local = { [oauth.allowInsecureRequests]: true }

const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...local }),
)
const client = await oauth.processDynamicClientRegistrationResponse(
  await oauth.dynamicClientRegistrationRequest(
    as,
    {
      client_name: 'oauth4webapi',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    local,
  ),
)

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const url = new URL(as.authorization_endpoint)
for (const [name, value] of Object.entries({
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'read',
  state,
  resource,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})) {
  url.searchParams.set(name, value)
}

const arrived = await browse(url)
const parameters = oauth.validateAuthResponse(as, client, arrived, state) // checks state and iss
const additionalParameters = new URLSearchParams({ resource })
const tokens = await oauth.processAuthorizationCodeResponse(
  as,
  client,
  await oauth.authorizationCodeGrantRequest(
    as, client, oauth.None(), parameters, redirectUri, verifier, { additionalParameters, ...local },
  ),
)

async function verified(accessToken) {
  // As a resource server does: signature by the published keys, type, issuer and audience.
  const request = new Request(resource, { headers: { authorization: `Bearer ${accessToken}` } })
  return oauth.validateJwtAccessToken(as, request, resource, local)
}

const claims = await verified(tokens.access_token)
const refreshed = await oauth.processRefreshTokenResponse(
  as,
  client,
  await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, {
    additionalParameters,
    ...local,
  }),
)
const renewed = await verified(refreshed.access_token)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, client, oauth.None(), refreshed.refresh_token, local),
)
let refusedAs = null
try {
  await oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshed.refresh_token, local),
  )
} catch (error) {
  refusedAs = error.error
}
done({
  subject: claims.sub,
  scope: claims.scope,
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  sameSubject: renewed.sub === claims.sub,
  refusedAs,
})
