// Drives the GraphiQL page of a running server as a person would, in a real browser. No
// request may leave the origin, and the browser may report no breach of the content
// security policy. CHROMIUM names the browser; SCREENSHOT a file to leave a picture of
// the running subscription in.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { base, deliver, graphql, PATIENCE } from './support.mjs';

let profile, browser, page;
const strangers = [];
const complaints = [];

before(async () => {
  profile = await mkdtemp(join(tmpdir(), 'graphiql-check-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    viewport: { width: 1400, height: 900 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  page = await browser.newPage();
  watch(page);
});

after(async () => {
  await browser?.close();
  await rm(profile, { recursive: true, force: true });
});

test('the page opens, signed in as the owner of the demo company', async () => {
  await page.goto(new URL('/graphiql', base).href);
  await page.locator('.graphiql-query-editor .view-lines').waitFor({ timeout: PATIENCE });
  assert.match(await who(), /Signed in as owner@/);
});

test('a query shows data', async () => {
  await run('query Check { records(first: 20) { edges { node { id description } } } }');
  const shown = await answer();
  assert.ok(shown.includes('"description"') && !shown.includes('"errors"'), shown);
});

test('a subscription shows an event', async () => {
  await run('subscription Check { recordProcessed { cursor record { id description status } } }');
  // the page does not show when the subscription has begun: bring records until one is told
  const shown = await answer(deliver);
  assert.ok(shown.includes('"cursor"') && !shown.includes('"errors"'), shown);
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  await page.locator('.graphiql-execute-button').click();
});

test('somebody else signs in by password', async () => {
  const email = `${randomUUID()}@check.example`;
  const password = randomUUID();
  const { registerTenant } = await graphql(
    `mutation Register($input: RegisterTenantInput!) { registerTenant(input: $input) { errors { message } } }`,
    { input: { tenantName: 'Client check', name: 'Checker', email, password } },
  );
  assert.deepEqual(registerTenant.errors, []);

  await page.getByRole('button', { name: 'Switch user' }).click();
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('password is wrong').waitFor({ timeout: PATIENCE });

  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`Signed in as ${email}`).waitFor({ timeout: PATIENCE });
  await run('query Whose { viewer { tenant { name } } }');
  assert.match(await answer(), /"Client check"/);
});

test('no request left the origin', () => assert.deepEqual(strangers, []));

test('the browser reported no error and no breach of the content security policy', () =>
  assert.deepEqual(complaints, []));

/** Whom the page says it is signed in as. */
async function who() {
  return page.getByTestId('session-who').innerText();
}

/** Notes each request to another origin and each thing the browser calls an error. */
function watch(page) {
  const isOurs = (address) => {
    const { protocol, host } = new URL(address);
    return protocol === 'data:' || host === base.host;
  };
  // the context also sees what the workers of the page ask for
  browser.on('request', (request) => isOurs(request.url()) || strangers.push(request.url()));
  page.on('websocket', (socket) => isOurs(socket.url()) || strangers.push(socket.url()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' || /content security policy/i.test(text)) complaints.push(text);
  });
  page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`content security policy: ${violatedDirective} ${blockedURI}`),
    );
  });
}

/** Puts a document into a new tab of the editor and presses the run button. */
async function run(document) {
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('ControlOrMeta+A');
  // inserted, not typed: the editor would close the brackets it sees typed
  await page.keyboard.insertText(document);
  // the run button offers a menu of operations until the editor has parsed this document
  await page.waitForTimeout(1000);
  await page.locator('.graphiql-execute-button').click();
}

/** The response pane's text once it holds an answer; `nudge` runs between looks. */
async function answer(nudge = () => {}) {
  const deadline = Date.now() + PATIENCE;
  let text = '';
  while (Date.now() < deadline) {
    text = await page.locator('.result-window .view-lines').innerText();
    // the editor draws spaces as no-break spaces
    text = text.replaceAll('\u00a0', ' ');
    if (text.includes('"data"') || text.includes('"errors"')) return text;
    await nudge();
    await page.waitForTimeout(250);
  }
  throw new Error(`no answer within ${PATIENCE / 1000} s; the response pane shows: ${text || 'nothing'}`);
}
