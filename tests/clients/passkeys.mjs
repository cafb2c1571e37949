// Adds a passkey and signs in with it, in a real browser with a virtual authenticator: what
// the server asks is what browsers understand, and what they answer is what it accepts.
// CHROMIUM names the browser.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { base, graphql, token } from './support.mjs';

// browsers know passkeys of host names, and this one of every machine
const site = new URL(base);
site.hostname = 'localhost';

let browser, page, devtools, authenticator;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  page = await browser.newPage();
  await page.goto(new URL('/health/live', site).href);
  devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const added = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  authenticator = added.authenticatorId;
});

after(() => browser?.close());

test('a browser makes a passkey and signs in with it', async () => {
  const passkey = await add('Laptop');
  assert.equal(passkey.name, 'Laptop');
  const { credentials } = await devtools.send('WebAuthn.getCredentials', {
    authenticatorId: authenticator,
  });
  assert.equal(credentials.length, 1);
  assert.ok(credentials[0].isResidentCredential, 'it can say whose it is');

  const { viewer } = await graphql('{ viewer { user { id } } }');
  const { session, errors } = await signIn();
  assert.deepEqual(errors, []);
  assert.equal(session.viewer.user.id, viewer.user.id);
  // the authenticator counts, and the server follows
  assert.deepEqual((await signIn()).errors, []);
});

test('an authenticator makes no second passkey for the same person', async () => {
  await assert.rejects(add('Again'), /InvalidStateError/);
});

test('who is not verified does not get in', async () => {
  await devtools.send('WebAuthn.setUserVerified', {
    authenticatorId: authenticator,
    isUserVerified: false,
  });
  await assert.rejects(signIn(), /NotAllowedError/);
  await devtools.send('WebAuthn.setUserVerified', {
    authenticatorId: authenticator,
    isUserVerified: true,
  });
});

test('a page of another site is refused by the server, whatever its browser did', async () => {
  const { startPasskeySignIn } = await graphql(
    'mutation { startPasskeySignIn { challenge { token options } errors { message } } }',
  );
  const { token: asked, options } = startPasskeySignIn.challenge;
  const credential = await get(options);
  const said = JSON.parse(Buffer.from(credential.response.clientDataJSON, 'base64url'));
  assert.equal(said.origin, site.origin);
  said.origin = 'https://evil.example';
  credential.response.clientDataJSON = Buffer.from(JSON.stringify(said)).toString('base64url');
  const { session, errors } = await finish(asked, credential);
  assert.equal(session, null);
  assert.equal(errors[0].field, 'credential');
});

/** Adds a passkey of the demo owner. */
async function add(name) {
  // the sign-in that asks must bring the answer
  const me = await token();
  const { startPasskeyRegistration } = await graphql(
    'mutation { startPasskeyRegistration { challenge { token options } errors { message } } }',
    {},
    me,
  );
  const { token: asked, options } = startPasskeyRegistration.challenge;
  const credential = await page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({ publicKey })).toJSON();
  }, options);
  const { finishPasskeyRegistration } = await graphql(
    `mutation Finish($input: FinishPasskeyRegistrationInput!) {
      finishPasskeyRegistration(input: $input) { passkey { id name } errors { field message } }
    }`,
    { input: { token: asked, credential, name } },
    me,
  );
  assert.deepEqual(finishPasskeyRegistration.errors, []);
  return finishPasskeyRegistration.passkey;
}

/** Signs in with whatever passkey the browser finds. */
async function signIn() {
  const { startPasskeySignIn } = await graphql(
    'mutation { startPasskeySignIn { challenge { token options } errors { message } } }',
  );
  const { token: asked, options } = startPasskeySignIn.challenge;
  return finish(asked, await get(options));
}

async function get(options) {
  return page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }, options);
}

async function finish(asked, credential) {
  const { finishPasskeySignIn } = await graphql(
    `mutation Finish($input: FinishPasskeySignInInput!) {
      finishPasskeySignIn(input: $input) {
        session { accessToken viewer { user { id } } }
        errors { field message }
      }
    }`,
    { input: { token: asked, credential } },
  );
  return finishPasskeySignIn;
}
