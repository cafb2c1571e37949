// The example in examples/spa, built and in a real browser: somebody signs in to an empty company, records come, one is
// approved, and what others do appears, also what they did while the connection was cut. CHROMIUM names the browser.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { base, graphql, PATIENCE, until } from './support.mjs';

const folder = fileURLToPath(new URL('../../examples/spa/', import.meta.url));
const run = (command, ...words) => promisify(execFile)(command, words, { cwd: folder, timeout: 120_000 });

const person = { email: `${randomUUID()}@spa.example`, password: randomUUID() };
let owner, site, browser, page;
const complaints = [];
/** Sockets of the page wait here before they reach the server. */
let road = Promise.resolve();
const sockets = [];

before(async () => {
  await run('npm', 'ci', '--no-audit', '--no-fund');
  // types from the schema, the compiler in strict mode, and the bundle
  await run('npm', 'run', 'build');
  process.env.BALANCE_URL = base.origin;
  const vite = await import(new URL('../../examples/spa/node_modules/vite/dist/node/index.js', import.meta.url));
  site = await vite.preview({ root: folder, logLevel: 'silent', preview: { host: '127.0.0.1', port: 0 } });

  const { registerTenant } = await graphql(
    `
      mutation Register($input: RegisterTenantInput!) {
        registerTenant(input: $input) {
          session {
            accessToken
          }
          errors {
            message
          }
        }
      }
    `,
    { input: { tenantName: 'Empty at first', name: 'Sam Spa', ...person } },
  );
  owner = registerTenant.session.accessToken;

  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.routeWebSocket(/\/graphql$/, async (socket) => {
    await road;
    socket.connectToServer();
    sockets.push(socket);
  });
});

after(async () => {
  await browser?.close();
  site?.httpServer.closeAllConnections();
  await site?.close();
});

test('who is not signed in is asked to', async () => {
  await page.goto(`http://127.0.0.1:${site.httpServer.address().port}/`);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match(await page.getByRole('alert').innerText({ timeout: PATIENCE }), /password is wrong/);
});

test('an empty company says so', async () => {
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Empty at first' }).waitFor({ timeout: PATIENCE });
  await page.getByText('Nothing waits.').waitFor({ timeout: PATIENCE });
  await page.getByText('No records yet').waitFor({ timeout: PATIENCE });
  assert.deepEqual(await page.evaluate(() => [document.cookie, localStorage.length]), ['', 0], 'scripts see no token');
});

test('what arrives appears in the queue and in the live list', async () => {
  await deliver('Adobe Creative Cloud subscription');
  await live('opened', 'Adobe Creative Cloud').waitFor({ timeout: PATIENCE });
  await waiting('Adobe Creative Cloud').waitFor({ timeout: PATIENCE });
});

test('an approval shows everywhere at once', async () => {
  await page.reload();
  const row = page.getByRole('row', { name: /Adobe Creative Cloud/ });
  await row.getByText('PROCESSED').waitFor({ timeout: PATIENCE });
  await waiting('Adobe Creative Cloud').getByRole('button').click();
  await row.getByText('APPROVED').waitFor({ timeout: PATIENCE });
  await waiting('Adobe Creative Cloud').waitFor({ state: 'detached', timeout: PATIENCE });
  await live('approved', 'Adobe Creative Cloud').waitFor({ timeout: PATIENCE });
});

test('a session that is over is renewed without a word', async () => {
  await deliver('Slack software subscription');
  await waiting('Slack').waitFor({ timeout: PATIENCE });
  await page.context().clearCookies({ name: 'balance_access' });
  const renewed = page.waitForResponse((response) => response.url().endsWith('/api/v1/auth/refresh'));
  await waiting('Slack').getByRole('button').click();
  assert.equal((await renewed).status(), 200);
  await live('approved', 'Slack').waitFor({ timeout: PATIENCE });
});

test('what happened while the connection was cut is told after it, and nothing twice', async () => {
  let reopen;
  road = new Promise((resolve) => (reopen = resolve));
  // as a proxy does that goes away
  for (const socket of sockets.splice(0)) await socket.close({ code: 1012 });
  await deliver('Adobe Stock photographs');
  await deliver('Adobe Fonts subscription');
  assert.equal(await live('opened', 'Adobe Stock').count(), 0);
  reopen();
  await live('opened', 'Adobe Fonts').waitFor({ timeout: PATIENCE });
  const told = await page.getByRole('region', { name: 'Live' }).getByRole('listitem').allInnerTexts();
  assert.equal(new Set(told).size, told.length, told.join('\n'));
  assert.equal(told.filter((text) => text.includes('Adobe Stock')).length, 1, told.join('\n'));
  assert.ok(sockets.length > 0, 'it went over a socket of its own');
});

test('a refusal is shown where it happened', async () => {
  const { approvals } = await graphql(
    '{ approvals(first: 1, filter: { status: [PENDING], text: "Adobe Stock" }) { edges { node { id } } } }',
    {},
    owner,
  );
  // decided by somebody else, and this page does not hear of it in time
  road = new Promise(() => {});
  for (const socket of sockets.splice(0)) await socket.close({ code: 1012 });
  const { approveRecord } = await graphql(
    'mutation($id: ID!) { approveRecord(input: { approvalId: $id }) { errors { message } } }',
    { id: approvals.edges[0].node.id },
    owner,
  );
  assert.deepEqual(approveRecord.errors, []);
  await waiting('Adobe Stock').getByRole('button').click();
  assert.match(await waiting('Adobe Stock').getByRole('alert').innerText({ timeout: PATIENCE }), /already approved/);
});

test('who signs out is out, also after a reload', async () => {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Email').waitFor({ timeout: PATIENCE });
  await page.reload();
  await page.getByLabel('Email').waitFor({ timeout: PATIENCE });
});

test('the page threw nothing', () => assert.deepEqual(complaints, []));

/** Brings a record into the company, and waits until it waits for a decision. */
async function deliver(description) {
  const row = { occurredOn: '2026-02-03', description, amount: '-12.50', currency: 'EUR' };
  const { importRecords } = await graphql(
    `
      mutation Deliver($row: ImportRow!) {
        importRecords(input: { accountNumber: "NL01", rows: [$row] }) {
          rows {
            record {
              id
            }
          }
          errors {
            message
          }
        }
      }
    `,
    { row },
    owner,
  );
  assert.deepEqual(importRecords.errors, []);
  const { id } = importRecords.rows[0].record;
  await until('the record is processed', async () => {
    const { record } = await graphql('query($id: ID!) { record(id: $id) { status } }', { id }, owner);
    return record.status === 'PROCESSED';
  });
}

/** What waits for a decision on the page. */
function waiting(text) {
  return page.getByRole('region', { name: 'To approve' }).getByRole('listitem').filter({ hasText: text });
}

/** What the page tells of the queue. */
function live(kind, text) {
  return page
    .getByRole('region', { name: 'Live' })
    .getByRole('listitem')
    .filter({ hasText: `${kind}: ${text}` });
}
