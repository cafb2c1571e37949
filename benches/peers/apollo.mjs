// Apollo Server 5 with dataloader: persisted queries are on by default, and its cache of parsed documents too.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import DataLoader from 'dataloader';
import { listening, page, relations, typeDefs } from './books.mjs';

const loaded = (name) => (row, _, loaders) => (row[`${name}Id`] ? loaders[name].load(row[`${name}Id`]) : null);

const server = new ApolloServer({
  typeDefs,
  resolvers: {
    Query: { records: (_, { first }) => page(first) },
    Record: { account: loaded('account'), category: loaded('category'), decision: loaded('decision') },
  },
});
const { url } = await startStandaloneServer(server, {
  listen: { host: '127.0.0.1', port: 0 },
  context: async () =>
    Object.fromEntries(Object.entries(relations).map(([name, batch]) => [name, new DataLoader(batch)])),
});
listening(new URL(url).port);
