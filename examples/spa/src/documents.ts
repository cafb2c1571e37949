// What this page asks for. `graphql` gives each document its types; run `npm run types` after a change.
import { graphql } from './gql';

export const VIEWER = graphql(/* GraphQL */ `
  query Viewer {
    viewer {
      user { id name }
      tenant { id name }
    }
  }
`);

export const RECORDS = graphql(/* GraphQL */ `
  query Records($first: Int!, $after: String) {
    records(first: $first, after: $after, orderBy: OCCURRED_ON_DESC) {
      edges { node { ...RecordRow } }
      pageInfo { hasNextPage endCursor }
    }
  }

  fragment RecordRow on Record {
    id
    occurredOn
    description
    amount { amount currency }
    status
    category { id name }
  }
`);

export const QUEUE = graphql(/* GraphQL */ `
  query Queue {
    approvals(first: 50, filter: { status: [PENDING] }) {
      edges { cursor node { ...Waiting } }
      # where this page stands in the event log: what is followed from here misses nothing
      asOf
    }
  }

  fragment Waiting on Approval {
    id
    status
    confidence
    proposedCategory { id name }
    record { ...RecordRow }
    decision { id rationale }
  }
`);

export const APPROVE = graphql(/* GraphQL */ `
  mutation Approve($input: ApproveRecordInput!) {
    approveRecord(input: $input) {
      approval {
        id
        status
        record { ...RecordRow }
      }
      errors { message code }
    }
  }
`);

export const APPROVALS = graphql(/* GraphQL */ `
  subscription Approvals($after: String) {
    approvalEvents(after: $after) {
      cursor
      kind
      approval { ...Waiting }
    }
  }
`);
