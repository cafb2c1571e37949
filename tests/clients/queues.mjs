// Drives the page of the queues of a running server as a person would, in a real browser. No request may leave the
// origin, and the browser may report no breach of the content security policy. CHROMIUM names the browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test, { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { base, deliver, graphql, PATIENCE, until } from './support.mjs';

let browser, page;
const strangers = [];
const complaints = [];

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  page = await browser.newPage();
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && host !== base.host) strangers.push(request.url());
  });
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
});

after(() => browser?.close());

/** The cells of a queue, by the titles of their columns. */
async function standing(name) {
  const titles = await page.locator('#queues thead th').allInnerTexts();
  const row = page.locator('#queues tbody tr', { has: page.getByRole('rowheader', { name, exact: true }) });
  const cells = await row.locator('th, td').allInnerTexts();
  return Object.fromEntries(titles.map((title, at) => [title, cells[at]]));
}

test('the page shows the queues of the demo company, and that none of their jobs is dead', async () => {
  await page.goto(new URL('/admin/queues', base).href);
  await page.getByText('Signed in as owner@').waitFor({ timeout: PATIENCE });
  assert.equal((await standing('records:process'))['Dead'], '0');
  await page.getByText('No job is dead.').waitFor({ timeout: PATIENCE });
});

test('what was done is shown with its times, without anybody asking again', async () => {
  await deliver();
  await until('a job is done', async () => {
    const { Waiting, 'Run, p95': took, 'Done, 15 min': done } = await standing('records:process');
    return Waiting === '0' && Number(done) > 0 && /^\d/.test(took);
  });
  await page.getByLabel('State').selectOption('Done');
  await page.locator('#jobs tbody tr', { hasText: 'process record' }).first().waitFor({ timeout: PATIENCE });
});

test('everything can be reached by keyboard and has a name', async () => {
  await page.getByLabel('Refresh every 5 seconds').uncheck();
  await page.getByRole('button', { name: 'Switch user' }).focus();
  const reached = new Set();
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => {
        const { activeElement: at } = document;
        return at.getAttribute('aria-label') ?? at.labels?.[0]?.innerText.trim().split('\n')[0] ?? at.tagName;
      }),
    );
  }
  for (const name of ['Refresh every 5 seconds', 'Queues', 'Jobs']) assert.ok(reached.has(name), [...reached].join());
  const unnamed = await page.locator('button, input, select').evaluateAll((all) =>
    all.filter((one) => !(one.innerText || one.labels?.length || one.getAttribute('aria-label'))).map((one) => one.outerHTML),
  );
  assert.deepEqual(unnamed, []);
});

test('a dead job is driven again, and another one discarded after a question', async () => {
  const dead = (id, kind, retryable) => ({
    node: {
      ...{ id, kind, retryable, queue: 'emails', state: 'DEAD', attempt: 3, maxAttempts: 3, progress: null },
      ...{ error: '<b>the mail server</b> did not answer', createdAt: '2026-03-02T09:00:00Z' },
      ...{ dueAt: '2026-03-02T09:00:00Z', startedAt: '2026-03-02T09:00:30Z', finishedAt: '2026-03-02T09:00:31Z' },
    },
  });
  const left = [dead('mail', 'SEND_MAIL', true), dead('report', 'GENERATE_REPORT', false)];
  const asked = [];
  // no server makes a job fail on demand: the API is tested by itself, here is what the page does with its answers
  await page.route('**/graphql', async (route) => {
    const { query, variables } = route.request().postDataJSON();
    const [, name] = /mutation \w+\(.*?\{ (\w+)/.exec(query) ?? [];
    if (name) {
      asked.push([name, variables.id]);
      left.splice(0, 1);
      return route.fulfill({ json: { data: { [name]: { errors: [] } } } });
    }
    const answer = await (await route.fetch()).json();
    answer.data.jobs.edges = [...left];
    return route.fulfill({ json: answer });
  });
  await page.getByLabel('State').selectOption('Dead');
  await page.getByText('<b>the mail server</b> did not answer').first().waitFor({ timeout: PATIENCE });
  assert.equal(await page.getByRole('button', { name: /^Retry/ }).count(), 1);
  await page.getByRole('button', { name: 'Retry send mail of emails' }).click();
  await page.getByRole('button', { name: /^Retry/ }).waitFor({ state: 'detached', timeout: PATIENCE });

  let question = null;
  page.once('dialog', (dialog) => {
    question = dialog.message();
    return dialog.accept();
  });
  await page.getByRole('button', { name: 'Discard generate report of emails' }).click();
  await page.getByText('No job is dead.').waitFor({ timeout: PATIENCE });
  assert.match(question, /Forget this job/);
  assert.deepEqual(asked, [
    ['retryJob', 'mail'],
    ['discardJob', 'report'],
  ]);
  await page.unroute('**/graphql');
});

test('somebody else signs in by password, stays signed in by cookie, and sees only their own', async () => {
  const email = `${randomUUID()}@queues.example`;
  const password = randomUUID();
  const { registerTenant } = await graphql(
    `mutation Register($input: RegisterTenantInput!) { registerTenant(input: $input) { errors { message } } }`,
    { input: { tenantName: 'Quiet queues', name: 'Quentin', email, password } },
  );
  assert.deepEqual(registerTenant.errors, []);
  await page.getByRole('button', { name: 'Switch user' }).click();
  await page.getByRole('textbox', { name: 'Email' }).fill(email);
  await page.getByLabel('Password').fill('not the password');
  const refused = complaints.length;
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match(await page.getByRole('alert').innerText({ timeout: PATIENCE }), /password is wrong/);
  // a browser calls an answer of 401 an error
  complaints.splice(refused);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`Signed in as ${email}, Quiet queues`).waitFor({ timeout: PATIENCE });
  await page.reload();
  await page.getByText(`Signed in as ${email}, Quiet queues`).waitFor({ timeout: PATIENCE });
  assert.equal((await standing('records:process'))['Done, 15 min'], '0');
});

test('no request left the origin', () => assert.deepEqual(strangers, []));

test('the browser reported no error and no breach of the content security policy', () =>
  assert.deepEqual(complaints, []));
