// One tab for each kind of user, opened on the first visit. GraphiQL keeps the tabs in
// localStorage from then on, so an edited example stays edited; clearing the site's
// storage brings these back.
import developer from './examples/developer.graphql?raw';
import partner from './examples/partner.graphql?raw';
import reviewer from './examples/reviewer.graphql?raw';
import spa from './examples/spa.graphql?raw';

// The variables are there to be filled in: the ids belong to the company that is looked at.
export const examples = [
  tab(spa, { after: null }),
  tab(reviewer, { approvalId: '', categoryId: '' }),
  tab(partner, { accountId: '', after: 'START' }),
  tab(developer, { after: 'START' }),
];

function tab(query, variables) {
  return { query, variables: JSON.stringify(variables, null, 2) };
}
