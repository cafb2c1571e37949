// Who is signed in. The access token lives in this object and nowhere else: not in
// localStorage, not in the address, so closing the page forgets it.

const SIGN_IN = `mutation SignIn($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) {
    session { accessToken }
    errors { message }
  }
}`;

/** Asks the server which session this page may use; nobody's when it cannot say. */
async function askServer() {
  const nobody = { accessToken: null, email: null, mode: 'production' };
  try {
    const response = await fetch('/graphiql/session', {
      cache: 'no-store',
      headers: { accept: 'application/json' },
    });
    return response.ok ? { ...nobody, ...(await response.json()) } : nobody;
  } catch {
    return nobody;
  }
}

/** A session that React can subscribe to and the fetcher can renew. */
export function createSession() {
  let state = null;
  let renewal = null;
  // who signed in by password must not become somebody else because a token expired
  let chosen = false;
  const listeners = new Set();

  function become(next) {
    state = next;
    for (const listener of listeners) listener();
  }

  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /**
     * Asks for a fresh token and says whether there is one. Requests that fail
     * together share one renewal. After a sign-in by password only the password helps.
     */
    renew() {
      if (chosen) {
        become({ ...state, accessToken: null, email: null });
        return Promise.resolve(false);
      }
      renewal ??= askServer()
        .then((next) => {
          become(next);
          return next.accessToken !== null;
        })
        .finally(() => {
          renewal = null;
        });
      return renewal;
    },

    /** Runs a document and answers its data, or null where it may not be seen. */
    async run(query) {
      const authorization = state.accessToken === null ? {} : { authorization: `Bearer ${state.accessToken}` };
      try {
        const response = await fetch('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json', ...authorization },
          body: JSON.stringify({ query }),
        });
        return (await response.json()).data ?? null;
      } catch {
        return null;
      }
    },

    /** Signs in by password; answers what to tell the user, or null when it worked. */
    async signIn(email, password) {
      try {
        const response = await fetch('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ query: SIGN_IN, variables: { email, password } }),
        });
        const { data, errors } = await response.json();
        const accessToken = data?.signIn?.session?.accessToken;
        if (accessToken) {
          chosen = true;
          become({ ...state, accessToken, email });
          return null;
        }
        const reasons = [...(data?.signIn?.errors ?? []), ...(errors ?? [])];
        return reasons.map(({ message }) => message).join(' ') || 'The server gave no token.';
      } catch {
        return 'The server did not answer.';
      }
    },
  };
}
