import './workers.js';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './style.css';

import { GraphiQL } from 'graphiql';
import { useMemo, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { examples } from './examples.js';
import { createFetcher } from './fetcher.js';
import { SessionBar } from './session-bar.jsx';
import { createSession } from './session.js';

const session = createSession();

function App() {
  const state = useSyncExternalStore(session.subscribe, session.get);
  // a new fetcher makes GraphiQL read the schema again: wanted when the user changes,
  // not when their token is renewed
  const user = state.accessToken === null ? null : state.email;
  const fetcher = useMemo(() => createFetcher(session), [user]);

  return (
    <>
      <SessionBar session={session} state={state} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={tabs}
          // the examples have variables to look at
          defaultEditorToolsVisibility="variables"
          // a pasted token must not outlive the page
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>balance</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

// the first introspection already needs the token, and so do the examples
await session.renew();
const tabs = await examples(session.run);
createRoot(document.getElementById('app')).render(<App />);
