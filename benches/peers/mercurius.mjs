// Mercurius 16: compiled queries (jit), its own loaders, automatic persisted queries, subscriptions in process.
//
// EQUIPPED holds a secret: then it has the duties that balance always has, by the plugins that Fastify names for them. It
// checks who calls (remembered), counts how often, names and logs each request, and adds security headers, CORS and
// compression.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import { listening, page, relations, typeDefs } from './books.mjs';

const secret = process.env.EQUIPPED;
const app = Fastify({ logger: Boolean(secret) });
if (secret) await equip();
const loaded = (name) => async (queries) => relations[name](queries.map(({ obj }) => obj[`${name}Id`]));

app.register(mercurius, {
  schema: typeDefs,
  jit: 1,
  persistedQueryProvider: mercurius.persistedQueryDefaults.automatic(),
  subscription: true,
  resolvers: {
    Query: { records: (_, { first }) => page(first) },
    Subscription: { news: { subscribe: (_, __, { pubsub }) => pubsub.subscribe('news') } },
  },
  loaders: {
    Record: {
      account: { loader: loaded('account'), opts: { cache: false } },
      category: { loader: loaded('category'), opts: { cache: false } },
      decision: { loader: loaded('decision'), opts: { cache: false } },
    },
  },
});

app.post('/publish', async () => {
  app.graphql.pubsub.publish({ topic: 'news', payload: { news: { at: Date.now(), kind: 'PROCESSED' } } });
  return {};
});

async function equip() {
  await app.register(import('@fastify/helmet'));
  await app.register(import('@fastify/cors'), { origin: 'https://app.example', credentials: true });
  await app.register(import('@fastify/compress'));
  await app.register(import('@fastify/rate-limit'), { max: 1_000_000_000 });
  await app.register(import('@fastify/jwt'), { secret, verify: { cache: true } });
  app.addHook('onRequest', (request) => (request.ws ? undefined : request.jwtVerify()));
}

await app.listen({ host: '127.0.0.1', port: 0 });
listening(app.server.address().port);
