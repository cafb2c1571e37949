// Signs in at a real OpenID Connect provider, as a browser would: a balance of its own, started
// by BALANCE_BIN, and npm's oidc-provider, with its login and consent forms.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import Provider from 'oidc-provider';

const APP = 'http://app.example';
const SECRET = 'known to two';

let home, server, provider, issuer, support, owner;
let revoked = 0;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'oidc-check-'));
  const [here, there] = [await freePort(), await freePort()];
  const address = `http://127.0.0.1:${here}`;
  issuer = `http://127.0.0.1:${there}`;
  provider = await listen(there, address);
  // one that is trusted for addresses, one that is not, and one whose tokens are kept
  const common = { issuer, clientId: 'balance', clientSecret: SECRET };
  const providers = [
    { name: 'plain', ...common },
    { name: 'trusted', trustEmail: true, ...common },
    { name: 'kept', ...common, scopes: ['email', 'profile', 'offline_access'] },
  ];
  server = spawn(process.env.BALANCE_BIN, ['--env', 'development', '--data-dir', 'data'], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: String(here),
      PUBLIC_URL: address,
      FRONTEND_URL: APP,
      OIDC_PROVIDERS: JSON.stringify(providers),
    },
    stdio: 'ignore',
  });
  process.env.BASE_URL = address;
  support = await import('./support.mjs');
  await support.until('balance is ready', () =>
    fetch(`${address}/health/ready`).then(
      (response) => response.ok,
      () => false,
    ),
  );
  owner = (await support.graphql('{ viewer { user { id email } } }')).viewer.user;
});

after(async () => {
  server?.kill();
  provider?.close();
  provider?.closeAllConnections();
  await rm(home, { recursive: true, force: true });
});

test('an account is linked, and signs in', async () => {
  const { startIdentityLink } = await support.graphql(
    `mutation Start($input: StartIdentityLinkInput!) {
      startIdentityLink(input: $input) { url errors { message } }
    }`,
    { input: { provider: 'plain', returnTo: `${APP}/settings` } },
  );
  const linking = await new Browser('ada').follow(startIdentityLink.url);
  assert.equal(linking.origin + linking.pathname, `${APP}/settings`);
  const { linkIdentity } = await support.graphql(
    `mutation Link($input: LinkIdentityInput!) {
      linkIdentity(input: $input) { linkedIdentity { provider } errors { message } }
    }`,
    { input: { code: linking.searchParams.get('code') } },
  );
  assert.deepEqual(linkIdentity.errors, []);

  const told = await new Browser('ada').follow(start('plain'));
  const { session, errors } = await exchange(told.searchParams.get('code'));
  assert.deepEqual(errors, []);
  assert.equal(session.viewer.user.id, owner.id);
  const again = await exchange(told.searchParams.get('code'));
  assert.equal(again.session, null, 'a code is good once');
});

test('a state is good once, and in its browser', async () => {
  const browser = new Browser('ada');
  const back = await browser.follow(start('plain'), { stopAt: '/callback' });
  const stranger = await new Browser('ada').open(back);
  assert.equal(stranger.status, 400);
  assert.equal((await browser.open(back)).status, 303);
  assert.equal((await browser.open(back)).status, 400);
});

for (const name of ['code_challenge', 'nonce']) {
  test(`a ${name} that was swapped on the way gets nobody in`, async () => {
    const browser = new Browser('ada');
    const away = new URL((await browser.open(start('plain'))).headers.get('location'));
    away.searchParams.set(name, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
    const told = await browser.follow(away);
    assert.equal(told.searchParams.get('error'), 'failed');
    assert.equal(told.searchParams.get('code'), null);
  });
}

test('an address opens an account only if it is verified, by a provider that is trusted', async () => {
  for (const [name, who] of [
    ['plain', 'verified'],
    ['trusted', 'unverified'],
  ]) {
    const told = await new Browser(who).follow(start(name));
    assert.equal(told.searchParams.get('error'), 'not_linked', `${who} at ${name}`);
  }
  const told = await new Browser('verified').follow(start('trusted'));
  const { session } = await exchange(told.searchParams.get('code'));
  assert.equal(session.viewer.user.id, owner.id);
});

test('tokens that are kept ask the provider, are refreshed, and are revoked', async () => {
  const begun = await support.graphql(
    `mutation Start($input: StartIdentityLinkInput!) {
      startIdentityLink(input: $input) { url errors { message } }
    }`,
    { input: { provider: 'kept', returnTo: `${APP}/settings` } },
  );
  const told = await new Browser('grace').follow(begun.startIdentityLink.url);
  const { linkIdentity } = await support.graphql(
    `mutation Link($input: LinkIdentityInput!) {
      linkIdentity(input: $input) { linkedIdentity { id status } errors { message } }
    }`,
    { input: { code: told.searchParams.get('code') } },
  );
  assert.deepEqual(linkIdentity.errors, []);
  assert.equal(linkIdentity.linkedIdentity.status, 'CONNECTED');

  const linkedIdentityId = linkIdentity.linkedIdentity.id;
  const ask = async () => {
    const { refreshLinkedIdentity } = await support.graphql(
      `mutation Refresh($input: RefreshLinkedIdentityInput!) {
        refreshLinkedIdentity(input: $input) {
          linkedIdentity { status } account { email emailVerified } errors { message }
        }
      }`,
      { input: { linkedIdentityId } },
    );
    return refreshLinkedIdentity;
  };
  // its access tokens last a second, and it takes each refresh token once: all of these refresh, some of them at once
  for (const { linkedIdentity, account, errors } of [await ask(), ...(await Promise.all([ask(), ask(), ask()]))]) {
    assert.deepEqual(errors, []);
    assert.equal(linkedIdentity.status, 'CONNECTED');
    assert.deepEqual(account, { email: owner.email, emailVerified: false });
  }

  const { unlinkIdentity } = await support.graphql(
    `mutation Unlink($input: UnlinkIdentityInput!) {
      unlinkIdentity(input: $input) { tokensRevoked errors { message } }
    }`,
    { input: { linkedIdentityId } },
  );
  assert.deepEqual(unlinkIdentity, { tokensRevoked: true, errors: [] });
  assert.equal(revoked, 1);
});

test('a browser that wants cookies comes back with them', async () => {
  const browser = new Browser('ada');
  const told = await browser.follow(`${start('plain')}&session=cookie`);
  assert.equal(told.href, `${APP}/in`);
  const names = [...browser.cookies.get(new URL(process.env.BASE_URL).host).keys()];
  assert.ok(names.includes('balance_access') && names.includes('balance_refresh'), names.join());
  const events = await browser.open(`${process.env.BASE_URL}/api/v1/events?first=1`);
  assert.equal(events.status, 200);
});

test('nobody is sent elsewhere', async () => {
  for (const page of ['https://evil.example', '//evil.example', '/\\evil.example']) {
    const refused = await new Browser('ada').open(start('plain', page));
    assert.equal(refused.status, 400, page);
    assert.equal(refused.headers.get('location'), null, page);
  }
});

/** A browser in which somebody signs in and agrees wherever a form asks. */
class Browser {
  cookies = new Map();

  constructor(who) {
    this.who = who;
  }

  /** One request, with the cookies of its host. */
  async open(url, init = {}) {
    const { host } = new URL(url);
    const jar = this.cookies.get(host) ?? new Map();
    this.cookies.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    return response;
  }

  /** Follows redirects and fills in forms until the app is reached, or a path; where that is. */
  async follow(start, { stopAt } = {}) {
    let url = new URL(start);
    let init = {};
    for (let steps = 0; steps < 20; steps += 1) {
      if (url.origin === APP || (stopAt && url.pathname.endsWith(stopAt))) return url;
      const response = await this.open(url, init);
      const location = response.headers.get('location');
      if (location) {
        url = new URL(location, url);
        init = {};
        continue;
      }
      const page = await response.text();
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? assert.fail(`${url}: ${page}`);
      const [, prompt] = /name="prompt" value="(\w+)"/.exec(page);
      url = new URL(action, url);
      const body = new URLSearchParams({ prompt, login: this.who, password: 'x' });
      init = { method: 'POST', body };
    }
    return assert.fail(`still under way at ${url}`);
  }
}

function start(name, page = `${APP}/in`) {
  return `${process.env.BASE_URL}/api/v1/oauth/${name}/start?returnTo=${encodeURIComponent(page)}`;
}

async function exchange(code) {
  const { exchangeSignInCode } = await support.graphql(
    `mutation Exchange($input: ExchangeSignInCodeInput!) {
      exchangeSignInCode(input: $input) { session { viewer { user { id } } } errors { message } }
    }`,
    { input: { code } },
  );
  return exchangeSignInCode;
}

/** The provider: whoever signs in is who they say, with the address of the demo owner. */
async function listen(port, address) {
  const oidc = new Provider(issuer, {
    clients: [
      {
        client_id: 'balance',
        client_secret: SECRET,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['plain', 'trusted', 'kept'].map((name) => `${address}/api/v1/oauth/${name}/callback`),
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    // as Google, Microsoft and Keycloak do: the address is in the ID token
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
    rotateRefreshToken: true,
    ttl: { AccessToken: 1 },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: owner.email, email_verified: id === 'verified' }),
    }),
  });
  oidc.on('grant.revoked', () => {
    revoked += 1;
  });
  const listening = createServer(oidc.callback());
  await new Promise((resolve) => listening.listen(port, '127.0.0.1', resolve));
  return listening;
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
