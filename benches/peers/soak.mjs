// A million requests of a mix, and what the server holds in memory on the way: a leak shows as a line that goes on rising.
import { randomUUID } from 'node:crypto';
import { seed, serve } from './balance.mjs';
import { CONNECTIONS, listen, send } from './load.mjs';
import { cpu, memory } from './process.mjs';

const TOTAL = Number(process.env.SOAK_REQUESTS || 1_000_000);
const STEP = Math.max(1, Math.floor(TOTAL / 10));

const { token } = await seed();
const server = await serve('api', token);
const { records } = JSON.parse(
  (await send(server, { query: '{ records(first: 100) { edges { node { id } } } }' })).text,
).data;
const ids = records.edges.map(({ node }) => node.id);
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** What is sent: how often of a thousand, the body, and the status that is right. */
const MIX = [
  [600, () => ({ query: 'query Trivial { __typename }' }), 200],
  [
    150,
    () => ({
      query: 'query One($id: ID!) { record(id: $id) { status description category { name } } }',
      variables: { id: pick(ids) },
    }),
    200,
  ],
  [100, () => ({ query: 'query Page { records(first: 10) { edges { node { id status category { name } } } } }' }), 200],
  // a document that nobody sent before: what is kept of documents must have a bound
  [100, () => ({ query: `query Fresh { viewer { role } } # ${randomUUID()}` }), 200],
  // refused before it is executed, and while it is
  [30, () => ({ query: `query Wrong { nothing${Math.floor(Math.random() * 1e6)} }` }), 200],
  [20, () => ({ query: 'query Nobody { record(id: "nonsense") { id } }' }), 200],
];

let sent = 0;
console.log(
  `${TOTAL} requests of a mix over ${CONNECTIONS} connections; a socket with a subscription for every thousandth\n`,
);
console.log('| requests | memory MiB | us of processor time each | requests/s |\n|---|---|---|---|');
let mark = { sent: 0, cpu: cpu(server.pid), at: Date.now() };
await Promise.all(Array.from({ length: CONNECTIONS }, worker));
await server.stop();
process.exit(0);

async function worker() {
  while (sent < TOTAL) {
    sent += 1;
    const turn = sent;
    await one();
    if (turn % 1_000 === 0) await socket();
    if (turn % STEP === 0) tell(turn);
  }
}

async function one() {
  let at = Math.floor(Math.random() * 1_000);
  const [, body, right] = MIX.find(([share]) => (at -= share) < 0);
  const { status, text } = await send(server, body());
  if (status !== right || text.includes('RATE_LIMITED')) throw new Error(`${status}: ${text.slice(0, 300)}`);
}

/** Opens, listens and leaves without a word, as browsers do. */
async function socket() {
  const open = await listen(server, 'subscription { recordProcessed { cursor } }', () => {});
  open.removeAllListeners('close').terminate();
}

function tell(turn) {
  const now = { sent: turn, cpu: cpu(server.pid), at: Date.now() };
  const each = (now.cpu - mark.cpu) / (turn - mark.sent);
  const rate = ((turn - mark.sent) / (now.at - mark.at)) * 1_000;
  console.log(`| ${turn} | ${(memory(server.pid) / 1_024).toFixed(1)} | ${each.toFixed(0)} | ${rate.toFixed(0)} |`);
  mark = now;
}
