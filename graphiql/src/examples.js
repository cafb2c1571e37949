// One tab for each kind of user, opened on the first visit. GraphiQL keeps the tabs in
// localStorage from then on, so an edited example stays edited; clearing the site's
// storage brings these back.
import developer from './examples/developer.graphql?raw';
import partner from './examples/partner.graphql?raw';
import reviewer from './examples/reviewer.graphql?raw';
import spa from './examples/spa.graphql?raw';
import { variables } from './fill.js';

/** The tabs, with ids of the company that is looked at in their variables. */
export async function examples(run) {
  const { approvalId, categoryId, accountId, after } = await variables(run);
  return [
    // none for the first tab, since GraphiQL would not show them
    { query: spa },
    tab(reviewer, { approvalId, categoryId }),
    tab(partner, { accountId, after }),
    tab(developer, { after }),
  ];
}

function tab(query, values) {
  return { query, variables: JSON.stringify(values, null, 2) };
}
