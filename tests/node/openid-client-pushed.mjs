// openid-client with a key: signed requests, pushed and in the browser, private_key_jwt everywhere.
// node openid-client-pushed.mjs ISSUER RESOURCE REDIRECT_URI
import * as client from 'openid-client'
import { browse, done } from './conversation.mjs'

const [issuerText, resource, redirectUri] = process.argv.slice(2)
const { publicKey, privateKey } = await crypto.subtle.generateKey(
  { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'],
)
const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'one', use: 'sig' }
delete jwk.key_ops
const key = { key: privateKey, kid: 'one' }
const config = await client.dynamicClientRegistration(
  new URL(issuerText),
  {
    client_name: 'openid-client with a key',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
    require_signed_request_object: true,
    request_object_signing_alg: 'ES256',
  },
  client.PrivateKeyJwt(key),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)

async function flow(makeUrl) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const url = await makeUrl({
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
  return { names: [...url.searchParams.keys()].sort(), tokens }
}

const signed = await flow((wish) => client.buildAuthorizationUrlWithJAR(config, wish, key))
const pushed = await flow(async (wish) => {
  const inside = await client.buildAuthorizationUrlWithJAR(config, wish, key)
  return client.buildAuthorizationUrlWithPAR(config, inside.searchParams)
})
const refreshed = await client.refreshTokenGrant(config, pushed.tokens.refresh_token, { resource })
const before = await client.tokenIntrospection(config, refreshed.access_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const after = await client.tokenIntrospection(config, refreshed.access_token)
let unsignedRefusedAs = null
try {
  await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri, scope: 'read', resource, code_challenge_method: 'S256',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
  })
} catch (error) {
  unsignedRefusedAs = error.error
}
done({
  signedUrl: signed.names,
  pushedUrl: pushed.names,
  scope: signed.tokens.scope,
  before: before.active,
  after: after.active,
  unsignedRefusedAs,
})
