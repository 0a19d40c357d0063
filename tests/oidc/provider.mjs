// An OpenID provider for tests, in the shape of ESCAPE IAM or of EGI Check-in.
//
// node provider.mjs FOLDER_WITH_NODE_MODULES SETTINGS_JSON. People log in with their name and any
// password. Beside the provider's own addresses: PUT /test/people/NAME (their claims; null: gone),
// PUT /test/seconds (how long access tokens last from now on), GET /test/asked (requests by path)
// and GET /data, a data service that takes tokens of the token exchange only. The settings may name
// an `issuer` and `tls` (files `certificate` and `key`): then it speaks https to everybody.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , folder, file] = process.argv;
const { Provider, errors } = await import(
  pathToFileURL(join(folder, 'node_modules/oidc-provider/lib/index.js'))
);
const { port, issuer, tls, shape, client, people } = JSON.parse(readFileSync(file, 'utf8'));

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const SHAPES = {
  iam: { auth: 'client_secret_basic', claims: { 'wlcg.groups': ['wlcg.groups'] } },
  egi: {
    auth: 'client_secret_post',
    claims: {
      voperson_id: ['voperson_id'],
      eduperson_entitlement: ['eduperson_entitlement'],
    },
  },
};
const { auth, claims } = SHAPES[shape];

let seconds = 3600;
const asked = {};
const exchanged = new Map();

const provider = new Provider(issuer ?? `http://127.0.0.1:${port}`, {
  clients: [
    {
      ...client,
      grant_types: ['authorization_code', 'refresh_token', EXCHANGE],
      response_types: ['code'],
      token_endpoint_auth_method: auth,
    },
  ],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'], ...claims },
  pkce: { required: () => true },
  conformIdTokenClaims: true,
  cookies: { keys: [randomBytes(32).toString('hex')] },
  findAccount: (ctx, id) =>
    people[id] && { accountId: id, claims: () => ({ sub: `sub-of-${id}`, ...people[id] }) },
  // Both ask people once and remember; here nobody is asked.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      accountId: ctx.oidc.session.accountId,
      clientId: ctx.oidc.client.clientId,
    });
    grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(' '));
    await grant.save();
    return grant;
  },
  issueRefreshToken: () => true,
  // A refresh token that comes twice is taken for stolen, and ends everything.
  rotateRefreshToken: true,
  ttl: { AccessToken: () => seconds, Grant: 86400, Session: 86400, RefreshToken: 86400 },
});

provider.registerGrantType(
  EXCHANGE,
  async (ctx) => {
    const { subject_token: subject, audience } = ctx.oidc.params;
    const token = await provider.AccessToken.find(subject);
    if (!token || !people[token.accountId]) throw new errors.InvalidGrant('no such token');
    const value = randomBytes(32).toString('base64url');
    exchanged.set(value, { who: token.accountId, audience, until: Date.now() + seconds * 1000 });
    ctx.body = {
      access_token: value,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: seconds,
    };
  },
  ['subject_token', 'subject_token_type', 'audience', 'scope'],
);

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

provider.use(async (ctx, next) => {
  const [, first, second, name] = ctx.path.split('/');
  asked[ctx.path] = (asked[ctx.path] ?? 0) + 1;
  if (first === 'data') {
    const found = exchanged.get((ctx.get('authorization') ?? '').replace('Bearer ', ''));
    ctx.status = found && found.until > Date.now() ? 200 : 401;
    ctx.body = found ?? {};
  } else if (first !== 'test') {
    await next();
  } else if (second === 'people') {
    people[name] = (await body(ctx.req)) ?? undefined;
    ctx.status = 204;
  } else if (second === 'seconds') {
    seconds = await body(ctx.req);
    ctx.status = 204;
  } else {
    ctx.body = asked;
  }
});

const listening = () => console.log('listening');
if (tls) {
  const pair = { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) };
  createServer(pair, provider.callback()).listen(port, '0.0.0.0', listening);
} else {
  provider.listen(port, '127.0.0.1', listening);
}
