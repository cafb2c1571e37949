// graphql-eslint judges the served schema (its recommended rules and those of Relay) and GraphiQL's examples. A rule that
// is broken on purpose is named below with the reason; whatever else it says is an error.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import { base } from './support.mjs';

/** What is settled otherwise here than a rule would have it. */
const OTHERWISE = {
  // a payload, a page or a sum is told once and never asked for again: only what `node` finds has an id
  '@graphql-eslint/strict-id-in-types': 'off',
  // plain lists are those that have an end everybody knows: errors, decisions of a record, the chart of accounts
  '@graphql-eslint/relay-edge-types': [
    'error',
    { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false, withEdgeSuffix: true },
  ],
};

/** Single findings that are no fault. */
const ACCEPTED = [
  // a sender of webhooks is called a connection; it is no page of one
  ({ ruleId, line }, sdl) => ruleId.startsWith('@graphql-eslint/relay-') && isAbout(sdl, line, /\bConnection\b/),
  // the directive is one of GraphQL itself
  ({ ruleId, message }) => ruleId === '@graphql-eslint/no-unreachable-types' && /specifiedBy/.test(message),
];

const examples = new URL('../../graphiql/src/examples/', import.meta.url);
let folder, schema, sdl;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eslint-check-'));
  sdl = await (await fetch(new URL('/schema.graphql', base))).text();
  schema = join(folder, 'schema.graphql');
  await writeFile(schema, sdl);
  await cp(examples, join(folder, 'examples'), { recursive: true });
});

after(() => rm(folder, { recursive: true, force: true }));

test('the schema follows the rules for schemas and those of Relay', async () => {
  const { configs } = plugin;
  const rules = { ...configs['flat/schema-recommended'].rules, ...configs['flat/schema-relay'].rules, ...OTHERWISE };
  const found = await lint(sdl, 'schema.graphql', rules);
  const faults = found.filter((finding) => !ACCEPTED.some((accepts) => accepts(finding, sdl)));
  assert.deepEqual(faults.map(told), []);
});

test('the judge is awake: a schema with a fault is found out', async () => {
  const rules = plugin.configs['flat/schema-recommended'].rules;
  const found = await lint('type Query { getThing: String }', 'schema.graphql', rules);
  assert.ok(
    found.some(({ ruleId }) => ruleId === '@graphql-eslint/naming-convention'),
    found.map(told).join('\n'),
  );
});

for (const name of await readdir(examples)) {
  test(`the example ${name} follows the rules for operations`, async () => {
    const found = await lint(await readFile(new URL(name, examples), 'utf8'), `examples/${name}`, {
      ...plugin.configs['flat/operations-recommended'].rules,
      // an example shows as much as is worth looking at, and where an id says nothing it would be noise
      '@graphql-eslint/require-selections': 'off',
      '@graphql-eslint/selection-set-depth': 'off',
    });
    assert.deepEqual(found.map(told), []);
  });
}

async function lint(text, name, rules) {
  const eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: [
      {
        files: ['**/*.graphql'],
        plugins: { '@graphql-eslint': plugin },
        languageOptions: {
          parser: plugin.parser,
          parserOptions: { graphQLConfig: { schema, documents: join(folder, 'examples/*.graphql') } },
        },
        rules,
      },
    ],
  });
  const [{ messages }] = await eslint.lintText(text, { filePath: join(folder, name) });
  return messages;
}

/** Whether the member that begins on a line is of the type, or the type itself. */
function isAbout(sdl, line, what) {
  return what.test(
    sdl
      .split('\n')
      .slice(line - 1, line + 6)
      .join('\n'),
  );
}

function told({ ruleId, line, message }) {
  return `${line} ${ruleId}: ${message}`;
}
