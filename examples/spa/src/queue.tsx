import { useMutation, useQuery, useSubscription } from '@apollo/client/react';
import { useRef, useState } from 'react';
import { APPROVALS, APPROVE, QUEUE } from './documents';
import type { QueueQuery } from './gql/graphql';
import { Problem } from './problem';

type Waiting = QueueQuery['approvals']['edges'][number]['node'];

/** What waits for a decision, kept as it is by what happens to it. */
export function Queue() {
  const { data, error, refetch } = useQuery(QUEUE);

  if (error) return <Problem error={error} onRetry={() => refetch()} />;
  if (!data) return <p className="note">Loading the queue…</p>;
  // decided here or by somebody else: the cache knows, and the row goes
  const waiting = data.approvals.edges.map(({ node }) => node).filter(({ status }) => status === 'PENDING');
  return (
    <>
      <section aria-label="To approve">
        <h2>To approve</h2>
        {waiting.length === 0 && <p className="note">Nothing waits.</p>}
        <ul>
          {waiting.map((approval) => (
            <Decision key={approval.id} approval={approval} />
          ))}
        </ul>
      </section>
      <Live after={data.approvals.asOf} />
    </>
  );
}

function Decision({ approval }: { approval: Waiting }) {
  const [approve, { loading, error, data }] = useMutation(APPROVE);
  // one decision, however often it is sent because an answer was lost
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const { record, proposedCategory, decision, confidence } = approval;
  const problems = data?.approveRecord.errors ?? [];

  return (
    <li data-approval={approval.id}>
      <div>
        <strong>{record.description}</strong> {record.amount.amount} {record.amount.currency}
        <small>{decision.rationale}</small>
        {error && <Problem error={error} />}
        {problems.map(({ message }) => (
          <Problem key={message} error={new Error(message)} />
        ))}
      </div>
      <button
        disabled={loading || !proposedCategory}
        // a failure is shown from `error`
        onClick={() => approve({ variables: { input: { approvalId: approval.id, idempotencyKey } } }).catch(() => {})}
      >
        {proposedCategory ? `${proposedCategory.name} (${Math.round(confidence * 100)} %)` : 'No proposal'}
      </button>
    </li>
  );
}

const SHOWN = 30;

/** The queue as it moves. It begins where the list above was read, so nothing falls between the two. */
function Live({ after }: { after?: string | null }) {
  const [start] = useState(after);
  const [news, setNews] = useState<{ cursor: string; kind: string; text: string }[]>([]);
  const withdrawn = useRef(new Set<string>());
  const { error } = useSubscription(APPROVALS, {
    variables: { after: start },
    onData({ client, data: { data } }) {
      if (!data) return;
      const { cursor, kind, approval } = data.approvalEvents;
      setNews((known) => [{ cursor, kind, text: approval.record.description }, ...known].slice(0, SHOWN));
      const recordId = approval.record.id;
      if (kind === 'WITHDRAWN') withdrawn.current.add(recordId);
      // another proposal about a record keeps the place of the old one, which may be further down than this list goes
      const anew = kind === 'OPENED' && withdrawn.current.delete(recordId);
      // known approvals changed in the cache already; a new one joins the list, a better proposal in the old one's place
      client.cache.updateQuery({ query: QUEUE }, (queue) => {
        const edges = queue?.approvals.edges ?? [];
        if (!queue || kind !== 'OPENED' || edges.some(({ node }) => node.id === approval.id)) return;
        const edge = { __typename: 'ApprovalEdge' as const, cursor, node: approval };
        const at = edges.findIndex(({ node }) => node.record.id === recordId);
        if (anew && at < 0) return;
        const joined = at < 0 ? [edge, ...edges] : edges.map((old, n) => (n === at ? edge : old));
        return { ...queue, approvals: { ...queue.approvals, edges: joined } };
      });
    },
  });

  return (
    <section aria-label="Live">
      <h2>Live</h2>
      {error && <Problem error={error} />}
      {news.length === 0 && <p className="note">What happens to approvals appears here.</p>}
      <ol>
        {news.map(({ cursor, kind, text }) => (
          <li key={cursor} data-kind={kind}>
            {kind.toLowerCase()}: {text}
          </li>
        ))}
      </ol>
    </section>
  );
}
