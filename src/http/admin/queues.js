// The page of the queues: asks the API as whoever is signed in, and draws what it answers as text. The session is that
// of the browser, in cookies no script can read; in development the server gives a token of its demo company, as it does
// to GraphiQL, which lives in this module and nowhere else.

const EVERY_MS = 5_000;

const LOOK = `query Queues($jobs: JobFilter!) {
  viewer { user { email } tenant { name } }
  queues { name waiting oldestDueAt delayed failedBefore running dead done perMinute waitP95Ms runP95Ms maxAttempts }
  jobs(filter: $jobs, first: 50) { edges { node {
    id queue kind state attempt maxAttempts error retryable createdAt dueAt startedAt finishedAt progress { done total }
  } } }
}`;
const RETRY = `mutation RetryJob($id: ID!) { retryJob(input: { jobId: $id }) { errors { message } } }`;
const RETRY_ALL = `mutation RetryJobs($queue: String!) { retryJobs(input: { queue: $queue }) { errors { message } } }`;
const DISCARD = `mutation DiscardJob($id: ID!) { discardJob(input: { jobId: $id }) { errors { message } } }`;

const find = (id) => document.getElementById(id);
const [who, status, problem, figures] = ['who', 'status', 'problem', 'figures'].map(find);
const signIn = find('sign-in');
const factor = find('factor');
const filter = find('filter');
let token = null;
let challenge = null;
let timer = null;
let drawn = '';
/** Looks are numbered, so that a late answer does not overwrite a newer one. */
let asked = 0;

/** Posts JSON as this page; the header is what lets the cookies of the session count. */
async function post(path, body, headers = {}) {
  const response = await fetch(path, {
    method: 'POST',
    cache: 'no-store',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-requested-with': 'balance-admin',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return response.json();
}

const inCookies = { 'x-session-mode': 'cookie' };

/** Runs a document; once more with a renewed session where nobody was signed in. */
async function graphql(query, variables, again = true) {
  const bearer = token === null ? {} : { authorization: `Bearer ${token}` };
  const { data, errors } = await post('/graphql', { query, variables }, bearer);
  const code = errors?.[0]?.extensions?.code;
  if (code === 'UNAUTHENTICATED' && again && (await renew())) return graphql(query, variables, false);
  if (code) throw Object.assign(new Error(errors[0].message), { code });
  return data;
}

/** Whether there is a session again: a token of the demo in development, else by the cookie. */
async function renew() {
  if (token !== null) return begin();
  const answer = await post('/api/v1/auth/refresh', {}, inCookies);
  return answer.success === true;
}

/** Whether this tab signed in by password: then it stays who it is, also where the server would give a token. */
const OWN = 'balance-queues-own';

/** Asks for the token that a server in development gives to its own pages; whether there is one. */
async function begin() {
  token = null;
  if (sessionStorage.getItem(OWN)) return false;
  try {
    const response = await fetch('/graphiql/session', { cache: 'no-store', headers: { accept: 'application/json' } });
    if (response.ok) token = (await response.json()).accessToken ?? null;
  } catch {
    // whoever runs the server has not switched it on: there is the form
  }
  return token !== null;
}

function complain(error) {
  problem.textContent = error ?? '';
  problem.hidden = !error;
}

function ask(form) {
  signIn.hidden = form !== signIn;
  factor.hidden = form !== factor;
  form?.querySelector('input').focus();
}

async function look() {
  clearTimeout(timer);
  const number = ++asked;
  const { queue, state } = Object.fromEntries(new FormData(filter));
  try {
    const jobs = { queues: queue ? [queue] : [], states: [state] };
    const data = await graphql(LOOK, { jobs });
    if (number !== asked) return;
    complain(null);
    draw(data);
  } catch (error) {
    if (number !== asked) return;
    if (error.code === 'UNAUTHENTICATED') {
      figures.hidden = true;
      who.textContent = 'Nobody is signed in.';
      if (signIn.hidden && factor.hidden) ask(signIn);
      return;
    }
    if (error.code === 'FORBIDDEN') {
      figures.hidden = true;
      find('switch').hidden = false;
      return complain('You may not see background work here: it needs the permission jobs:manage.');
    }
    complain(error.code ? error.message : 'The server did not answer; trying again.');
  }
  plan();
}

/** Looks again in a while, unless nobody wants to or nobody could see it. */
function plan() {
  clearTimeout(timer);
  if (find('refresh').checked && !document.hidden) timer = setTimeout(look, EVERY_MS);
}

function draw({ viewer, queues, jobs }) {
  who.textContent = `Signed in as ${viewer.user.email}, ${viewer.tenant.name}`;
  find('switch').hidden = false;
  figures.hidden = false;
  status.textContent = `As of ${new Date().toLocaleTimeString()}`;
  options(queues);
  const rows = jobs.edges.map(({ node }) => node);
  const news = JSON.stringify([queues, rows]);
  // the same again is not drawn again: what has the focus keeps it
  if (news === drawn) return ages(queues);
  drawn = news;
  const focused = document.activeElement?.id;
  find('queues').tBodies[0].replaceChildren(...queues.map(standing));
  find('jobs').tBodies[0].replaceChildren(...rows.map(job));
  find('all').hidden = !filter.queue.value || !rows.some(({ retryable }) => retryable);
  const none = rows.length === 0;
  find('jobs').hidden = none;
  find('none').hidden = !none;
  find('none').textContent = `No job is ${filter.state.selectedOptions[0].text.toLowerCase()}.`;
  if (focused) find(focused)?.focus();
}

function options(queues) {
  const { queue } = filter;
  if (queue.options.length > 1) return;
  queue.append(...queues.map(({ name }) => new Option(name, name)));
}

/** Time goes by also where nothing else changes. */
function ages(queues) {
  queues.forEach(({ name, oldestDueAt }) => {
    find(`age-${name}`).textContent = since(oldestDueAt);
  });
}

function standing(queue) {
  const { name } = queue;
  const row = document.createElement('tr');
  const head = element('th', name);
  head.scope = 'row';
  const age = element('td', since(queue.oldestDueAt));
  age.id = `age-${name}`;
  const dead = element('td', queue.dead);
  if (queue.dead > 0) dead.className = 'bad';
  row.append(
    head,
    element('td', queue.waiting),
    age,
    ...[queue.delayed, queue.running, queue.done, queue.perMinute ?? '–'].map((value) => element('td', value)),
    element('td', duration(queue.waitP95Ms)),
    element('td', duration(queue.runP95Ms)),
    element('td', queue.failedBefore),
    element('td', queue.maxAttempts),
    dead,
  );
  return row;
}

function job(node) {
  const row = document.createElement('tr');
  const kind = (node.kind ?? 'unknown').replaceAll('_', ' ').toLowerCase();
  const at = node.finishedAt ?? node.startedAt ?? node.dueAt;
  const actions = document.createElement('td');
  if (node.state === 'DEAD') {
    if (node.retryable) actions.append(action('Retry', RETRY, node, kind));
    actions.append(action('Discard', DISCARD, node, kind));
  }
  row.append(
    element('td', node.queue),
    element('td', kind),
    element('td', `${node.attempt} of ${node.maxAttempts}`),
    element('td', new Date(at).toLocaleString()),
    far(node),
    actions,
  );
  return row;
}

function far({ progress, state, error }) {
  if (state !== 'RUNNING' || progress === null) {
    const cell = element('td', error ?? '–');
    cell.className = 'error';
    return cell;
  }
  const cell = document.createElement('td');
  const bar = document.createElement('progress');
  bar.max = progress.total;
  bar.value = progress.done;
  const said = `${progress.done.toLocaleString()} of ${progress.total.toLocaleString()}`;
  bar.setAttribute('aria-label', said);
  cell.append(bar, ` ${said}`);
  return cell;
}

function action(name, mutation, node, kind) {
  const button = element('button', name);
  button.type = 'button';
  button.id = `${name}-${node.id}`;
  button.setAttribute('aria-label', `${name} ${kind} of ${node.queue}`);
  button.addEventListener('click', async () => {
    if (name === 'Discard' && !confirm('Forget this job? What it was about stays failed.')) return;
    await carryOut(button, mutation, { id: node.id });
  });
  return button;
}

/** Runs a mutation for a button, looks what came of it, and tells what was refused. */
async function carryOut(button, mutation, variables) {
  button.disabled = true;
  let refused = null;
  try {
    const data = await graphql(mutation, variables);
    refused = Object.values(data)[0].errors[0]?.message ?? null;
  } catch (error) {
    refused = error.code ? error.message : 'The server did not answer.';
  }
  button.disabled = false;
  await look();
  complain(refused);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function since(instant) {
  return instant === null ? '–' : duration(Math.max(0, Date.now() - new Date(instant)));
}

function duration(ms) {
  if (ms === null) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** Signs in by a step of its own; what to tell, or null when it worked. */
async function enter(path, body) {
  try {
    const { success, data, error } = await post(path, body, inCookies);
    if (!success) return error.message;
    challenge = data.challenge?.token ?? null;
    if (challenge !== null) return void ask(factor);
    token = null;
    sessionStorage.setItem(OWN, '1');
    signIn.reset();
    factor.reset();
    ask(null);
    await look();
  } catch {
    return 'The server did not answer.';
  }
  return null;
}

signIn.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(signIn));
  complain(await enter('/api/v1/auth/sign-in', { email, password }));
});
factor.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { code } = Object.fromEntries(new FormData(factor));
  complain(await enter('/api/v1/auth/complete-sign-in', { challenge, code }));
});
find('switch').addEventListener('click', () => {
  clearTimeout(timer);
  asked += 1;
  ask(signIn);
});
find('all').addEventListener('click', ({ target }) => carryOut(target, RETRY_ALL, { queue: filter.queue.value }));
filter.addEventListener('change', look);
find('refresh').addEventListener('change', plan);
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : look()));

await begin();
await look();
