// Mercurius 16: compiled queries (jit), its own loaders, automatic persisted queries, subscriptions in process.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import { listening, page, relations, typeDefs } from './books.mjs';

const app = Fastify();
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

await app.listen({ host: '127.0.0.1', port: 0 });
listening(app.server.address().port);
