// openid-client exchanges a token with a DPoP proof of its own:
// node openid-client-exchange.mjs ISSUER CLIENT_ID SECRET SUBJECT_TOKEN RESOURCE
import * as client from 'openid-client'
import { done } from './conversation.mjs'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

const [issuerText, clientId, secret, subjectToken, resource] = process.argv.slice(2)
const config = await client.discovery(
  new URL(issuerText), clientId, secret, client.ClientSecretBasic(secret),
  { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
)
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const exchange = (parameters) => client.genericGrantRequest(
  config, TOKEN_EXCHANGE,
  { subject_token: subjectToken, subject_token_type: ACCESS_TOKEN, resource, ...parameters },
  { DPoP },
)

let refused = null
try {
  await exchange({ scope: 'write' })
} catch (error) {
  refused = { error: error.error, cause: error.cause?.cause, url: error.cause?.consent_url }
}
const answer = await exchange({ scope: 'read' })
done({
  refused,
  issued: answer.issued_token_type,
  type: answer.token_type,
  scope: answer.scope,
  token: answer.access_token,
  key: await DPoP.calculateThumbprint(),
})
