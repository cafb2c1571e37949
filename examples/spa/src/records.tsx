import { useQuery } from '@apollo/client/react';
import { RECORDS } from './documents';
import { Problem } from './problem';

const PAGE = 25;

/** The latest records. An approval elsewhere on the page changes its row here: both show the same thing of the cache. */
export function Records() {
  const { data, error, fetchMore, refetch } = useQuery(RECORDS, { variables: { first: PAGE } });

  if (error) return <Problem error={error} onRetry={() => refetch()} />;
  if (!data) return <p className="note">Loading records…</p>;
  const { edges, pageInfo } = data.records;
  return (
    <section aria-label="Records">
      <h2>Records</h2>
      {edges.length === 0 && <p className="note">No records yet: import a statement, and they appear.</p>}
      <table>
        <tbody>
          {edges.map(({ node }) => (
            <tr key={node.id} data-record={node.id}>
              <td>{node.occurredOn}</td>
              <td>{node.description}</td>
              <td className="amount">
                {node.amount.amount} {node.amount.currency}
              </td>
              <td>{node.category?.name ?? '–'}</td>
              <td>{node.status}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {pageInfo.hasNextPage && (
        <button onClick={() => fetchMore({ variables: { after: pageInfo.endCursor } })}>More</button>
      )}
    </section>
  );
}
