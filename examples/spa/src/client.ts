// How operations reach the server: queries and mutations by fetch, subscriptions over one socket, both with the cookies of
// the session, both renewing it when the server says that it is over.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { ErrorLink } from '@apollo/client/link/error';
import { relayStylePagination } from '@apollo/client/utilities';
import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import { from, Observable, switchMap } from 'rxjs';
import { Refused, renew } from './session';

/** Whether an error says that nobody is signed in. */
export function isSignedOut(error: unknown): boolean {
  if (error instanceof Refused) return true;
  return CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
}

const http = new HttpLink({
  uri: '/graphql',
  // a header that a form of another page cannot send
  headers: { 'graphql-require-preflight': 'true' },
});

/** Renews the session once, and sends the operation again. */
const renewing = new ErrorLink(({ error, operation, forward }) => {
  if (!isSignedOut(error) || operation.getContext().renewed) return;
  operation.setContext({ renewed: true });
  return from(renew()).pipe(switchMap(() => forward(operation)));
});

const TOKEN_REFUSED = 4403;
let refused = false;

/** The socket; it reconnects by itself for as long as somebody is signed in. */
export const socket = createClient({
  // asked for each time it connects: the cookies go with the opening of the socket
  url: async () => {
    if (refused) await renew();
    return '/graphql';
  },
  retryAttempts: Infinity,
  shouldRetry: (cause) => !(cause instanceof Refused),
  on: { closed: (event) => (refused = (event as CloseEvent).code === TOKEN_REFUSED) },
});

/** Follows a subscription; after a cut it goes on behind the last cursor, so nothing is missed and nothing told twice. */
const following = new ApolloLink(
  (operation) =>
    new Observable((observer) => {
      const variables = { ...operation.variables };
      const request = { query: print(operation.query), operationName: operation.operationName, variables };
      return socket.subscribe<Record<string, { cursor?: string }>>(request, {
        next(result) {
          // the client sends this request again when it has reconnected
          const cursor = Object.values(result.data ?? {})[0]?.cursor;
          if (cursor) variables.after = cursor;
          observer.next(result as ApolloLink.Result);
        },
        complete: () => observer.complete(),
        error: (cause) => observer.error(Array.isArray(cause) ? new CombinedGraphQLErrors({ errors: cause }) : cause),
      });
    }),
);

/** The client, and what it has read: things are kept by their global id, so a change shows wherever they are listed. */
export const client = new ApolloClient({
  link: ApolloLink.split(({ operationType }) => operationType === 'subscription', following, renewing.concat(http)),
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { records: relayStylePagination(['orderBy']) } } } }),
});
