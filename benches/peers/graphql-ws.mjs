// graphql-ws on ws: the reference implementation of the protocol. Events reach it in process.
import { createServer } from 'node:http';
import { GraphQLFloat, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { listening } from './books.mjs';

const waiting = new Set();

/** What is published from now on, one after the other. */
async function* news() {
  const queue = [];
  let wake = () => {};
  const hear = (event) => {
    queue.push(event);
    wake();
  };
  waiting.add(hear);
  try {
    while (true) {
      while (queue.length > 0) yield { news: queue.shift() };
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    waiting.delete(hear);
  }
}

const News = new GraphQLObjectType({
  name: 'News',
  fields: { at: { type: new GraphQLNonNull(GraphQLFloat) }, kind: { type: new GraphQLNonNull(GraphQLString) } },
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLString } } }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: { news: { type: new GraphQLNonNull(News), subscribe: news } },
  }),
});

const server = createServer((request, response) => {
  for (const hear of waiting) hear({ at: Date.now(), kind: 'PROCESSED' });
  response.end('{}');
});
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }));
server.listen(0, '127.0.0.1', () => listening(server.address().port));
