// Ids of the company that is looked at, so that the examples run as they open.
const QUESTION = `{
  approvals(first: 1, filter: { status: [PENDING] }) { edges { node { id proposedCategory { id } } } }
  categories { id kind parent { id } }
  accounts(first: 1, filter: { archived: false }) { edges { node { id } } }
}`;

/**
 * Values for the variables of the examples: of what is there, and empty, to be filled in, where there is nothing or it may
 * not be seen. `run` sends a document and answers its data, or nothing.
 */
export async function variables(run) {
  const { approvals, categories = [], accounts } = (await run(QUESTION)) ?? {};
  const approval = approvals?.edges[0]?.node;
  const parents = new Set(categories.map(({ parent }) => parent?.id));
  // one that a record may be filed under, and that is not what is proposed already
  const other = categories.find(
    ({ id, kind }) => kind === 'EXPENSE' && !parents.has(id) && id !== approval?.proposedCategory?.id,
  );
  return {
    approvalId: approval?.id ?? '',
    categoryId: other?.id ?? '',
    accountId: accounts?.edges[0]?.node.id ?? '',
    after: 'START',
  };
}
