// Carries operations to /graphql: queries and mutations over HTTP, subscriptions over
// a WebSocket, both with the session's token unless the headers editor names its own.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { getOperationAST } from 'graphql';
import { createClient } from 'graphql-ws';

const HTTP_URL = '/graphql';
const SOCKET_URL = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/graphql`;

/** Close codes by which the server says that a token is missing, expired or revoked. */
const TOKEN_REFUSED = [4401, 4403];

/** The fetcher GraphiQL calls for each operation. */
export function createFetcher(session) {
  const send = createGraphiQLFetcher({
    url: HTTP_URL,
    fetch: authorised(session),
    // the server has no @defer, and this keeps its Accept header to GraphQL's own types
    enableIncrementalDelivery: false,
  });

  return (params, options) => {
    if (!isSubscription(params, options)) return send(params, options);
    const own = options.headers ?? {};
    return { subscribe: (observer) => ({ unsubscribe: subscribe(session, own, params, observer) }) };
  };
}

function isSubscription({ operationName }, options) {
  const document = options?.documentAST;
  return document != null && getOperationAST(document, operationName)?.operation === 'subscription';
}

/** The user's headers, with the session's token where they name none. */
function withToken(session, own) {
  const token = session.get()?.accessToken;
  if (!token || namesAuthorization(own)) return own;
  return { ...own, Authorization: `Bearer ${token}` };
}

function namesAuthorization(headers) {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
}

/** `fetch` with the token; a refused token is renewed once and the request sent again. */
function authorised(session) {
  return async (url, init) => {
    const send = () => fetch(url, { ...init, headers: withToken(session, init.headers) });

    const response = await send();
    if (namesAuthorization(init.headers) || !(await isRefused(response))) return response;
    return (await session.renew()) ? send() : response;
  };
}

/** Whether the request was refused as a whole, so that nothing of it ran. */
async function isRefused(response) {
  try {
    const { data, errors } = await response.clone().json();
    return data == null && errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED');
  } catch {
    return response.status === 401;
  }
}

/**
 * Runs a subscription on a socket of its own, so that each run has the headers its tab
 * shows. The client reconnects by itself after network trouble; when the server closes
 * over the token, the token is renewed first. An event proves that a token was accepted
 * and earns the next renewal, so a server that refuses every token is asked twice only.
 */
function subscribe(session, own, params, observer) {
  let mayRenew = !namesAuthorization(own);
  let stop = () => {};
  let stopped = false;

  function open() {
    const client = createClient({
      url: SOCKET_URL,
      connectionParams: () => withToken(session, own),
      shouldRetry: (cause) => cause instanceof CloseEvent && !TOKEN_REFUSED.includes(cause.code),
    });
    stop = client.subscribe(params, {
      next(result) {
        mayRenew = !namesAuthorization(own);
        observer.next(result);
      },
      complete: () => observer.complete(),
      error(cause) {
        if (!(mayRenew && TOKEN_REFUSED.includes(cause?.code))) return observer.error(readable(cause));
        mayRenew = false;
        session.renew().then((renewed) => {
          if (stopped) return;
          if (renewed) open();
          else observer.error(readable(cause));
        });
      },
    });
  }

  open();
  return () => {
    stopped = true;
    stop();
  };
}

/** What the response pane can show of a socket's end. */
function readable(cause) {
  if (!(cause instanceof CloseEvent)) return cause;
  return { message: 'The socket closed', code: cause.code, reason: cause.reason };
}
