// The measurement: the same requests to each server, in turns, and what each costs its server in processor time.
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { bring, seed, serve, work } from './balance.mjs';
import { CONNECTIONS, listen, many, send } from './load.mjs';
import { cpu, median, memory, percentile, start } from './process.mjs';

const number = (name, usual) => Number(process.env[name] || usual);
const ROUNDS = number('PEERS_ROUNDS', 5);
const REQUESTS = number('PEERS_REQUESTS', 2_000);
const SOCKETS = number('PEERS_SOCKETS', 1_000);
const EVENTS = number('PEERS_EVENTS', 20);

const LIST = `query List { records(first: 50) { edges { node {
  id status occurredOn amount { amount currency } description merchant
  account { id name } category { id code name } decision { id source confidence rationale }
} } } }`;
const TRIVIAL = 'query Trivial { __typename }';
const hashed = (query) => ({ version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') });

const { tenant, token } = await seed();
const peer = (name) => start(name, process.execPath, [`${name}.mjs`], { PEER_TENANT: tenant });

compare({ ...(await reads()), ...(await streams()) });
process.exit(0);

/** Requests: the processor time of each, the median of all rounds, by what is asked and by server. */
async function reads() {
  const servers = [await serve('api', token), await equipped(), await peer('mercurius'), await peer('apollo')];
  await sameAnswers(servers);
  const asked = {
    list: { query: LIST },
    text: { query: TRIVIAL },
    persisted: { operationName: 'Trivial', extensions: { persistedQuery: hashed(TRIVIAL) } },
  };
  // who keeps documents is told this one
  for (const server of servers) await send(server, { query: TRIVIAL, ...asked.persisted });

  console.log(
    `\n## reads: ${ROUNDS} rounds of ${REQUESTS} requests over ${CONNECTIONS} connections, us of processor time each\n`,
  );
  console.log(`| round | asked | ${servers.map(({ name }) => name).join(' | ')} |`);
  console.log(`|---|---|${'---|'.repeat(servers.length)}`);
  const found = {};
  // the first round warms up: compilers, caches, connections
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [what, body] of Object.entries(asked)) {
      const row = [];
      for (const server of servers) {
        const { text } = await send(server, body);
        const us = text.includes('"errors"')
          ? NaN
          : (await measured(server, () => many(server, body, REQUESTS))) / REQUESTS;
        row.push(us);
        if (round > 0) ((found[what] ??= {})[server.name] ??= []).push(us);
      }
      if (round > 0)
        console.log(
          `| ${round} | ${what} | ${row.map((us) => (Number.isNaN(us) ? '–' : us.toFixed(0))).join(' | ')} |`,
        );
    }
  }
  for (const server of servers) await server.stop();
  return found;
}

/** Mercurius with the duties of balance, and what signs a request in there. */
async function equipped() {
  const secret = randomUUID();
  const server = await start('mercurius, equipped', process.execPath, ['mercurius.mjs'], {
    PEER_TENANT: tenant,
    EQUIPPED: secret,
  });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'owner' })}`;
  const signature = createHmac('sha256', secret).update(signed).digest('base64url');
  server.headers = { authorization: `Bearer ${signed}.${signature}` };
  return server;
}

/** All must tell the same, letter by letter, or the comparison means nothing. */
async function sameAnswers(servers) {
  const answers = await Promise.all(
    servers.map(async (server) => JSON.parse((await send(server, { query: LIST })).text)),
  );
  const [ours, ...theirs] = answers.map(({ data }) => data);
  if (ours?.records.edges.length !== 50) throw new Error(`no page of 50: ${JSON.stringify(answers[0]).slice(0, 300)}`);
  theirs.forEach((data, at) => {
    const name = servers[at + 1].name;
    if (isDeepStrictEqual(data, ours) && JSON.stringify(data) === JSON.stringify(ours)) return;
    const differs = data?.records.edges.findIndex((edge, n) => !isDeepStrictEqual(edge, ours.records.edges[n]));
    throw new Error(`${name} answers something else: ${JSON.stringify(data?.records.edges[differs] ?? answers[at + 1])}
instead of ${JSON.stringify(ours.records.edges[differs])}`);
  });
  const filed = ours.records.edges.filter(({ node }) => node.category && node.decision).length;
  console.log(
    `answers are the same: ${JSON.stringify(ours).length} bytes, 50 records, ${filed} of them with a category and a decision`,
  );
}

/** Subscriptions: memory of each, processor time of each delivery, and how late the last ones are. */
async function streams() {
  // begun anew: what the requests above have left in memory would hide what sockets take
  const [balance, mercurius, graphqlWs] = [
    await serve('api', token),
    await peer('mercurius'),
    await peer('graphql-ws'),
  ];
  const worker = await work();
  const news = { query: 'subscription { news { at kind } }', at: ({ news }) => news.at, make: publish };
  const feed = {
    query: 'subscription { eventFeed(kinds: ["PROCESSED"]) { event { occurredAt kind } } }',
    // before its commit: the disk counts here, and not for the others
    at: ({ eventFeed }) => Date.parse(eventFeed.event.occurredAt),
    make: (server) => bring(server),
  };
  console.log(`\n## subscriptions: ${SOCKETS} sockets with one each, ${EVENTS} events to all of them\n`);
  console.log('| | KiB each | us a delivery | p50 ms | p99 ms |\n|---|---|---|---|---|');
  const found = { delivery: {}, memory: {}, p99: {} };
  for (const [server, { query, at, make }] of [
    [balance, feed],
    [mercurius, news],
    [graphqlWs, news],
  ]) {
    const late = [];
    const hear = ({ data }) => late.push(Date.now() - at(data));
    const sockets = [];
    const open = async (count) =>
      sockets.push(...(await Promise.all(Array.from({ length: count }, () => listen(server, query, hear)))));
    // the first ones pay for what all share
    await open(20);
    await sleep(500);
    const before = memory(server.pid);
    for (let left = SOCKETS - 20; left > 0; left -= 50) await open(Math.min(50, left));
    await sleep(2_000);
    const each = (memory(server.pid) - before) / (SOCKETS - 20);

    const us =
      (await measured(server, async () => {
        for (let event = 1; event <= EVENTS; event++) {
          await make(server);
          const deadline = Date.now() + 10_000;
          while (late.length < event * SOCKETS) {
            if (Date.now() > deadline) throw new Error(`${server.name} delivered ${late.length} of ${event * SOCKETS}`);
            await sleep(20);
          }
        }
      })) /
      (EVENTS * SOCKETS);
    found.memory[server.name] = [each];
    found.delivery[server.name] = [us];
    found.p99[server.name] = [percentile(late, 0.99)];
    console.log(
      `| ${server.name} | ${each.toFixed(1)} | ${us.toFixed(1)} | ${percentile(late, 0.5).toFixed(1)} | ${percentile(late, 0.99).toFixed(1)} |`,
    );
    for (const socket of sockets) socket.removeAllListeners('close').terminate();
    await server.stop();
  }
  await worker.stop();
  return found;
}

async function publish(server) {
  const { ok } = await fetch(`${server.url}/publish`, { method: 'POST' });
  if (!ok) throw new Error(`${server.name} published nothing`);
}

/** Processor time of a server while something is done to it, in microseconds. */
async function measured(server, act) {
  const before = cpu(server.pid);
  await act();
  return cpu(server.pid) - before;
}

/** balance against the others, with what is wanted: ratios are of pairs of one round. */
function compare(found) {
  const wanted = [
    ['list', 'mercurius', 'list of 50 with three relations', '0.75 / 0.45'],
    ['list', 'mercurius, equipped', 'the same', ''],
    ['list', 'apollo', 'the same', ''],
    ['text', 'mercurius, equipped', 'trivial, full text', '0.6 / 0.35'],
    ['text', 'mercurius', 'the same', ''],
    ['text', 'apollo', 'the same', ''],
    ['persisted', 'mercurius, equipped', 'trivial, persisted', '0.4 / 0.3'],
    ['persisted', 'mercurius', 'the same', ''],
    ['persisted', 'apollo', 'the same', ''],
    ['delivery', 'mercurius', 'delivery of an event', '0.7 / 0.35'],
    ['delivery', 'graphql-ws', 'the same', ''],
    ['p99', 'mercurius', 'publish to receive, p99', '0.8 / 0.5'],
    ['p99', 'graphql-ws', 'the same', ''],
    ['memory', 'mercurius', 'memory of a subscription', '20 / 12 KiB'],
    ['memory', 'graphql-ws', 'the same', ''],
  ];
  console.log(
    '\n## balance against the others\n\n| figure | balance | other | | ratio | must / aim |\n|---|---|---|---|---|---|',
  );
  for (const [what, name, title, aim] of wanted) {
    const [ours, theirs] = [found[what].balance, found[what][name]];
    const ratio = median(ours.map((value, round) => value / theirs[round]));
    const shown = (value) => (Number.isNaN(value) ? 'not offered' : value.toFixed(value < 100 ? 1 : 0));
    console.log(
      `| ${title} | ${shown(median(ours))} | ${name} | ${shown(median(theirs))} | ${shown(ratio)} | ${aim} |`,
    );
  }
}
