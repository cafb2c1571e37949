// One tab for each kind of user, opened on the first visit. GraphiQL keeps the tabs in
// localStorage from then on, so an edited example stays edited; clearing the site's
// storage brings these back.
import developer from './examples/developer.graphql?raw';
import partner from './examples/partner.graphql?raw';
import reviewer from './examples/reviewer.graphql?raw';
import spa from './examples/spa.graphql?raw';

export const examples = [spa, reviewer, partner, developer].map((query) => ({ query }));
