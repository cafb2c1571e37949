// What a Relay app writes against this schema: compiled by relay-compiler, never run.
import { graphql } from 'relay-runtime';

// A list that loads more, of things that can be fetched again by id.
graphql`
  query documents_RecordsQuery($first: Int!, $after: String) {
    ...documents_records @arguments(first: $first, after: $after)
  }
`;

graphql`
  fragment documents_records on Query
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" })
  @refetchable(queryName: "documents_RecordsPageQuery") {
    records(first: $first, after: $after) @connection(key: "documents_records") {
      edges {
        node {
          ...documents_record
        }
      }
    }
  }
`;

graphql`
  fragment documents_record on Record @refetchable(queryName: "documents_RecordRefetchQuery") {
    status
    description
    amount {
      amount
      currency
    }
    category {
      name
    }
  }
`;

// Backwards from the end.
graphql`
  fragment documents_approvals on Query
  @argumentDefinitions(last: { type: "Int!" }, before: { type: "String" })
  @refetchable(queryName: "documents_ApprovalsPageQuery") {
    approvals(last: $last, before: $before, filter: { status: [PENDING] }) @connection(key: "documents_approvals") {
      edges {
        node {
          id
          status
        }
      }
    }
  }
`;

// Anything by its id, and what it turns out to be.
graphql`
  query documents_NodesQuery($id: ID!, $ids: [ID!]!) {
    node(id: $id) {
      __typename
      id
      ...documents_record @alias(as: "record")
    }
    nodes(ids: $ids) {
      id
      ... on Approval {
        status
      }
    }
  }
`;

// A decision changes the things it returns.
graphql`
  mutation documents_ApproveMutation($input: ApproveRecordInput!) {
    approveRecord(input: $input) {
      approval {
        id
        status
        record {
          ...documents_record
        }
      }
      errors {
        field
        message
        code
      }
    }
  }
`;

// What was made joins a list, what was taken back leaves it.
graphql`
  mutation documents_CreateProjectMutation($input: CreateProjectInput!, $connections: [ID!]!) {
    createProject(input: $input) {
      project @appendNode(connections: $connections, edgeTypeName: "ProjectEdge") {
        id
        name
      }
      errors {
        message
      }
    }
  }
`;

graphql`
  mutation documents_CancelInvitationMutation($input: CancelInvitationInput!, $connections: [ID!]!) {
    cancelInvitation(input: $input) {
      cancelledInvitationId @deleteEdge(connections: $connections)
      errors {
        message
      }
    }
  }
`;

// News of the queue: a new approval joins the list, a known one changes where it stands.
graphql`
  subscription documents_QueueSubscription($after: String, $connections: [ID!]!) {
    approvalEvents(after: $after) {
      cursor
      kind
      approval @prependNode(connections: $connections, edgeTypeName: "ApprovalEdge") {
        id
        status
      }
    }
  }
`;
