// oauth4webapi pushes its requests, with private_key_jwt: node oauth4webapi-pushed.mjs ISSUER RESOURCE REDIRECT_URI
import * as oauth from 'oauth4webapi'
import { browse, done } from './conversation.mjs'

const [issuerText, resource, redirectUri] = process.argv.slice(2)
const issuer = new URL(issuerText)
const local = { [oauth.allowInsecureRequests]: true }

const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...local }),
)
const { publicKey, privateKey } = await oauth.generateKeyPair('ES256', { extractable: true })
const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'one', use: 'sig' }
delete jwk.key_ops
const client = await oauth.processDynamicClientRegistrationResponse(
  await oauth.dynamicClientRegistrationRequest(
    as,
    {
      client_name: 'oauth4webapi that pushes',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      require_pushed_authorization_requests: true,
    },
    local,
  ),
)
const proof = oauth.PrivateKeyJwt({ key: privateKey, kid: 'one' })

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const wish = new URLSearchParams({
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'read',
  state,
  resource,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
const pushed = await oauth.processPushedAuthorizationResponse(
  as,
  client,
  await oauth.pushedAuthorizationRequest(as, client, proof, wish, local),
)
const url = new URL(as.authorization_endpoint)
url.searchParams.set('client_id', client.client_id)
url.searchParams.set('request_uri', pushed.request_uri)

const parameters = oauth.validateAuthResponse(as, client, await browse(url), state)
const additionalParameters = new URLSearchParams({ resource })
const tokens = await oauth.processAuthorizationCodeResponse(
  as,
  client,
  await oauth.authorizationCodeGrantRequest(
    as, client, proof, parameters, redirectUri, verifier, { additionalParameters, ...local },
  ),
)
const request = new Request(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } })
const claims = await oauth.validateJwtAccessToken(as, request, resource, local)
done({ expiresIn: pushed.expires_in, scope: claims.scope, isOwn: claims.client_id === client.client_id })
