// oidc-provider as a service of somebody else's: node oidc-provider.mjs PORT
// It is configured, not patched. Its own pages ask the user: any login, any password.
import { Provider } from 'oidc-provider'

const port = Number(process.argv[2])
const issuer = `http://127.0.0.1:${port}`

const provider = new Provider(issuer, {
  claims: {
    openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'], profile: ['name'],
  },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'groups', 'read', 'write'],
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  conformIdTokenClaims: false,
  cookies: { keys: ['only for tests'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  ttl: {
    AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 300,
    RefreshToken: 3600, Session: 3600,
  },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: async () => true,
      getResourceServerInfo: async (ctx, resource) => ({
        scope: 'read write', audience: resource, accessTokenTTL: 300, accessTokenFormat: 'opaque',
      }),
    },
  },
  findAccount: async (ctx, sub) => ({
    accountId: sub,
    claims: async () => ({
      sub, name: sub, email: `${sub}@example.com`, email_verified: true, groups: ['staff'],
    }),
  }),
})

const say = (word, ...facts) => console.log([word, ...facts].join(' '))
provider.on('grant.success', (ctx) => say('granted', ctx.oidc.params.grant_type, ctx.oidc.client.clientId))
provider.on('grant.error', (ctx, error) => say('refused', ctx.oidc.params?.grant_type, error.error, error.error_detail))
provider.on('grant.revoked', () => say('revoked'))
provider.on('server_error', (ctx, error) => say('failed', error.stack))
provider.on('authorization.error', (ctx, error) => say('denied', error.error, error.error_description))
provider.on('registration_create.error', (ctx, error) => say('unregistered', error.error_description))

const server = provider.listen(port, '127.0.0.1', () => say('listening', issuer))
process.on('SIGTERM', () => server.close(() => process.exit(0)) && server.closeAllConnections())
