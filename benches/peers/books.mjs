// What every peer serves: the same rows of the same PostgreSQL, in the form that balance gives them, read in the way its
// own documentation recommends: one statement for the page, and one for each relation of it.
import pg from 'pg';

/** The part of balance's schema that is measured. */
export const typeDefs = /* GraphQL */ `
  type Query {
    records(first: Int!): RecordConnection!
  }
  type Subscription {
    news: News!
  }
  type News {
    "When it was published, in milliseconds."
    at: Float!
    kind: String!
  }
  type RecordConnection {
    edges: [RecordEdge!]!
  }
  type RecordEdge {
    node: Record!
  }
  type Record {
    id: ID!
    status: String!
    occurredOn: String!
    amount: Money!
    description: String!
    merchant: String!
    account: Account
    category: Category
    decision: Decision
  }
  type Money {
    amount: String!
    currency: String!
  }
  type Account {
    id: ID!
    name: String!
  }
  type Category {
    id: ID!
    code: String!
    name: String!
  }
  type Decision {
    id: ID!
    source: String!
    confidence: Float!
    rationale: String!
  }
`;

// dates and big integers as text, as PostgreSQL sends them
pg.types.setTypeParser(1082, (text) => text);

/** Connections of the application role, bound to the tenant as row-level security wants it. */
export const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 16,
  options: `-c search_path=core,auth,public -c app.tenant_id=${process.env.PEER_TENANT}`,
});
const tenant = process.env.PEER_TENANT;

// named statements are prepared once for each connection
const query = (name, text, values) => pool.query({ name, text, values }).then(({ rows }) => rows);

export async function page(first) {
  const rows = await query(
    'page',
    `select id, status, occurred_on, amount, currency, description, merchant_key, account_id, category_id, decision_id
     from record where tenant_id = $1 and status <> 'VOIDED' order by occurred_on desc, id desc limit $2`,
    [tenant, first],
  );
  return { edges: rows.map((row) => ({ node: record(row) })) };
}

/** A batch of each relation, in the order of the ids: what a loader calls. */
export const relations = {
  account: batch('account', 'id, name', ({ id, name }) => ({ id: global('Account', id), name })),
  category: batch('category', 'id, code, name', ({ id, code, name }) => ({ id: global('Category', id), code, name })),
  decision: batch('decision', 'id, source, confidence, rationale', (row) => ({
    ...row,
    id: global('Decision', row.id),
  })),
};

function batch(table, columns, shape) {
  const text = `select ${columns} from ${table} where tenant_id = $1 and id = any($2::uuid[])`;
  return async (ids) => {
    const wanted = [...new Set(ids)].filter(Boolean);
    const rows = wanted.length === 0 ? [] : await query(table, text, [tenant, wanted]);
    const found = new Map(rows.map((row) => [row.id, shape(row)]));
    return ids.map((id) => found.get(id) ?? null);
  };
}

function record(row) {
  return {
    id: global('Record', row.id),
    status: row.status,
    occurredOn: row.occurred_on,
    amount: { amount: decimal(row.amount), currency: row.currency },
    description: row.description,
    merchant: row.merchant_key,
    // what the relations are loaded by
    accountId: row.account_id,
    categoryId: row.category_id,
    decisionId: row.decision_id,
  };
}

function global(kind, uuid) {
  return Buffer.from(`${kind}:${uuid.replaceAll('-', '')}`).toString('base64url');
}

/** Units of a hundred-thousandth as a decimal with two digits at least; every currency here has two. */
function decimal(units) {
  const sign = units.startsWith('-') ? '-' : '';
  const digits = units.slice(sign.length).padStart(6, '0');
  const fraction = digits.slice(-5).replace(/0+$/, '').padEnd(2, '0');
  return `${sign}${digits.slice(0, -5)}.${fraction}`;
}

/** Tells the parent where a server listens, and ends with it. */
export function listening(port) {
  console.log(`listens on http://127.0.0.1:${port}`);
  process.stdin.resume().on('end', () => process.exit(0));
}
