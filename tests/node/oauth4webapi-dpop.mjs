// oauth4webapi binds everything to a key, and answers the demand for a nonce by itself:
// node oauth4webapi-dpop.mjs ISSUER RESOURCE REDIRECT_URI
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
      client_name: 'oauth4webapi with a key',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      dpop_bound_access_tokens: true,
    },
    local,
  ),
)

let demands = 0
async function insisting(request, process) {
  try {
    return await process(await request())
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    demands += 1
    return process(await request())
  }
}

const keys = await oauth.generateKeyPair('ES256')
const DPoP = oauth.DPoP(client, keys)
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
const pushed = await insisting(
  () => oauth.pushedAuthorizationRequest(as, client, oauth.None(), wish, { DPoP, ...local }),
  (response) => oauth.processPushedAuthorizationResponse(as, client, response),
)
const url = new URL(as.authorization_endpoint)
url.searchParams.set('client_id', client.client_id)
url.searchParams.set('request_uri', pushed.request_uri)
const arrived = await browse(url)
const parameters = oauth.validateAuthResponse(as, client, arrived, state)
const additionalParameters = new URLSearchParams({ resource })
const redeem = (held) => oauth.authorizationCodeGrantRequest(
  as, client, oauth.None(), parameters, redirectUri, verifier,
  { additionalParameters, DPoP: held, ...local },
)
const process_ = (response) => oauth.processAuthorizationCodeResponse(as, client, response)

// Another key first: the code is bound to the one that was pushed, and stays good.
const thief = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
let refusedAs = null
try {
  await insisting(() => redeem(thief), process_)
} catch (error) {
  refusedAs = error.error
}
const tokens = await insisting(() => redeem(DPoP), process_)
const refreshed = await insisting(
  () => oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, {
    additionalParameters, DPoP, ...local,
  }),
  (response) => oauth.processRefreshTokenResponse(as, client, response),
)

// As a resource server does: the token, its proof and the key that joins them.
const request = new Request(resource, {
  headers: {
    authorization: `DPoP ${refreshed.access_token}`,
    dpop: await proofFor(refreshed.access_token),
  },
})
const claims = await oauth.validateJwtAccessToken(as, request, resource, {
  requireDPoP: true, ...local,
})
done({
  demands,
  refusedAs,
  types: [tokens.token_type, refreshed.token_type],
  bound: claims.cnf.jkt === (await DPoP.calculateThumbprint()),
})

async function proofFor(accessToken) {
  const encode = (value) => Buffer.from(value).toString('base64url')
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const ath = encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken)))
  const head = { alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }
  const body = {
    jti: oauth.generateRandomState(), htm: 'GET', htu: resource, ath,
    iat: Math.floor(Date.now() / 1000),
  }
  const signed = `${encode(JSON.stringify(head))}.${encode(JSON.stringify(body))}`
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, new TextEncoder().encode(signed),
  )
  return `${signed}.${encode(signature)}`
}
