// Drives the GraphiQL page of a running server as a person would, in a real browser:
//
//   BASE_URL=http://localhost:8000 node graphiql.mjs
//
// It fails when a request leaves the origin, when the browser reports a breach of the
// content security policy, when a query shows no data, or when a subscription shows no
// event. Further settings, all optional:
//
//   QUERY, SUBSCRIPTION  documents to run instead of the ones below
//   TRIGGER_URL          address (path or whole) to POST to until the event arrives
//   TRIGGER_QUERY        or a mutation to run in its place, with the page's own session
//   CHROMIUM             the browser, /usr/bin/chromium unless told otherwise
//   SCREENSHOT           file to leave a picture of the last state in
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const base = new URL(process.env.BASE_URL ?? 'http://localhost:8000');
const query =
  process.env.QUERY ?? 'query Check { records(first: 20) { edges { node { id description } } } }';
const subscription =
  process.env.SUBSCRIPTION ?? 'subscription Check { recordProcessed { cursor record { id status } } }';

/** How long a person would wait before calling it broken. */
const PATIENCE = 20_000;

const profile = await mkdtemp(join(tmpdir(), 'graphiql-check-'));
const browser = await chromium.launchPersistentContext(profile, {
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

const page = await browser.newPage();
const strangers = [];
const complaints = [];
watch(page);

try {
  await page.goto(new URL('/graphiql', base).href);
  await page.locator('.graphiql-query-editor .view-lines').waitFor({ timeout: PATIENCE });
  console.log(`page: ${await page.getByTestId('session-who').innerText()}`);

  await run(query);
  const data = await answer((text) => text.includes('"data"') || text.includes('"errors"'));
  assert.ok(data.includes('"data"') && !data.includes('"errors"'), `the query failed: ${data}`);
  console.log('query: answered');

  await run(subscription);
  const event = await answer((text) => text.includes('"data"') || text.includes('"errors"'), trigger);
  assert.ok(!event.includes('"errors"'), `the subscription failed: ${event}`);
  console.log('subscription: an event arrived');

  assert.deepEqual(strangers, [], 'requests left the origin');
  assert.deepEqual(complaints, [], 'the browser complained');
  console.log('origin and policy: kept');
} finally {
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  await browser.close();
  await rm(profile, { recursive: true, force: true });
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

/** The response pane's text once it satisfies `done`; `nudge` runs between looks. */
async function answer(done, nudge = () => {}) {
  const deadline = Date.now() + PATIENCE;
  let text = '';
  while (Date.now() < deadline) {
    text = await page.locator('.result-window .view-lines').innerText();
    // the editor draws spaces as no-break spaces
    text = text.replaceAll('\u00a0', ' ');
    if (done(text)) return text;
    await nudge();
    await page.waitForTimeout(250);
  }
  throw new Error(`no answer within ${PATIENCE / 1000} s; the response pane shows: ${text || 'nothing'}`);
}

/** Makes the event happen that the subscription waits for. */
async function trigger() {
  const { TRIGGER_URL, TRIGGER_QUERY } = process.env;
  if (TRIGGER_URL) await fetch(new URL(TRIGGER_URL, base), { method: 'POST' });
  if (TRIGGER_QUERY) {
    const { accessToken } = await (await fetch(new URL('/graphiql/session', base))).json();
    await fetch(new URL('/graphql', base), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ query: TRIGGER_QUERY }),
    });
  }
}
