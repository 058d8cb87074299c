// oauth4webapi with assertions: node oauth4webapi-assertions.mjs JSON
// A workload's token for an access token, or a refresh token for an identity assertion that another
// server redeems.
import * as oauth from 'oauth4webapi'
import { done } from './conversation.mjs'

const given = JSON.parse(process.argv[2])
const local = { [oauth.allowInsecureRequests]: true }
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const TYPES = 'urn:ietf:params:oauth:token-type:'

const discover = async (text) => {
  const issuer = new URL(text)
  const options = { algorithm: 'oauth2', ...local }
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
}

const ask = async (as, client, authentication, grant, parameters, options = {}) => {
  const answer = await oauth.genericTokenEndpointRequest(
    as,
    client,
    authentication,
    grant,
    new URLSearchParams(parameters),
    local,
  )
  return oauth.processGenericTokenEndpointResponse(as, client, answer, options)
}

const secret = ([id, value]) => [{ client_id: id }, oauth.ClientSecretBasic(value)]

if (given.workload) {
  const as = await discover(given.server)
  const client = { client_id: given.client_id }
  const parameters = { assertion: given.workload, resource: given.resource }
  const tokens = await ask(as, client, oauth.None(), JWT_BEARER, parameters)
  done({ token_type: tokens.token_type, scope: tokens.scope, access_token: tokens.access_token })
} else {
  const [home, away] = [await discover(given.home), await discover(given.away)]
  const parameters = {
    requested_token_type: `${TYPES}id-jag`,
    subject_token: given.refresh_token,
    subject_token_type: `${TYPES}refresh_token`,
    audience: away.issuer,
    resource: given.resource,
    scope: 'read',
  }
  const noToken = { recognizedTokenTypes: { n_a: () => {} } }
  const assertion = await ask(home, ...secret(given.employee), TOKEN_EXCHANGE, parameters, noToken)
  const grant = { assertion: assertion.access_token }
  const tokens = await ask(away, ...secret(given.guest), JWT_BEARER, grant)
  done({
    advertised: home.identity_chaining_requested_token_types_supported,
    accepted: away.authorization_grant_profiles_supported,
    issued: assertion.issued_token_type,
    token_type: tokens.token_type,
    scope: tokens.scope,
  })
}
