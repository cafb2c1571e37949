// json-rules-engine on the rules and records that `figures -- rules` has left in a file, beside what balance took.
//
// It is given what it is good at: texts folded beforehand, one engine for all records, no almanac options. That both find
// the same rules for the same records is checked first, or nothing is measured.

import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from 'json-rules-engine';

const file = process.env.BENCH_RULES_FILE || join(tmpdir(), 'balance-rules.json');
const rounds = Number(process.env.BENCH_ROUNDS || 3);
const { rules, records, figures } = JSON.parse(readFileSync(file, 'utf8'));

const fold = (text) => text.normalize('NFC').toLowerCase().split(/\s+/).filter(Boolean).join(' ');
const facts = records.map((record) => ({
  description: fold(record.description),
  merchant: fold(record.merchant),
  amount: record.amount,
  size: Math.abs(record.amount),
  currency: record.currency,
  account: record.account,
  day: record.occurredOn,
  dayOfMonth: Number(record.occurredOn.slice(8)),
}));

const test = (fact, operator, value) => ({ fact, operator, value });

/** A condition of balance in the words of json-rules-engine. */
function condition(from) {
  const [[kind, it]] = Object.entries(from);
  switch (kind) {
    case 'all':
    case 'any':
      return { [kind]: it.map(condition) };
    case 'not':
      return { not: condition(it) };
    case 'text': {
      const operator = { contains: 'textContains', equals: 'equal', startsWith: 'textStartsWith' }[it.op];
      return test(it.of ?? 'description', operator, fold(it.value));
    }
    case 'amount':
      return range(it.signed ? 'amount' : 'size', it.min, it.max);
    case 'account':
    case 'currency':
      return test(kind, 'in', it.in);
    case 'direction':
      return test('amount', it === 'in' ? 'greaterThan' : 'lessThan', 0);
    case 'dayOfMonth':
      return range('dayOfMonth', it.from, it.to);
    default:
      throw new Error(`no rule of this bench has ${kind}`);
  }
}

function range(fact, min, max) {
  const ends = [];
  if (min !== undefined) ends.push(test(fact, 'greaterThanInclusive', min));
  if (max !== undefined) ends.push(test(fact, 'lessThanInclusive', max));
  return { all: ends };
}

function engineOf(count) {
  const engine = new Engine();
  engine.addOperator('textContains', (text, value) => text.includes(value));
  engine.addOperator('textStartsWith', (text, value) => text.startsWith(value));
  for (const rule of rules.slice(0, count)) {
    const root = condition(rule.conditions);
    const conditions = root.all || root.any || root.not ? root : { all: [root] };
    engine.addRule({ conditions, event: { type: rule.id } });
  }
  return engine;
}

async function pass(engine, some) {
  let matches = 0;
  const started = process.hrtime.bigint();
  for (const record of some) matches += (await engine.run(record)).events.length;
  return { matches, us: Number(process.hrtime.bigint() - started) / 1000 / some.length };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

console.log('| rules | balance, us a record | json-rules-engine, us a record | ratio |\n|---|---|---|---|');
for (const { rules: count, us, matches } of figures) {
  const engine = engineOf(count);
  const first = await pass(engine, facts);
  if (first.matches !== matches) {
    throw new Error(`with ${count} rules it finds ${first.matches} matches, and balance ${matches}`);
  }
  const took = [];
  for (let round = 0; round < rounds; round += 1) took.push((await pass(engine, facts)).us);
  const theirs = median(took);
  console.log(`| ${count} | ${us.toFixed(2)} | ${theirs.toFixed(1)} | ${(theirs / us).toFixed(0)} |`);
}
