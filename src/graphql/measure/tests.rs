//! What measuring promises.

use std::time::Instant;

use async_graphql::parser::parse_query;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const SDL: &str = r#"
    interface Node { id: ID! }
    type Query {
        node(id: ID!): Node
        nodes(ids: [ID!]!): [Node]!
        me: User
        records(first: Int, last: Int): RecordConnection!
        a: Query
        b: Query
    }
    type Mutation { rename(input: Int): Payload! }
    type Payload { record: Record errors: [Problem!]! }
    type Problem { message: String! }
    type User implements Node { id: ID! name: String! login: String @deprecated(reason: "use name") }
    type Record implements Node {
        id: ID!
        lines: [Line!]!
        tags(old: Int @deprecated(reason: "no use")): [String!]!
        notes(first: Int): NoteConnection!
    }
    type Line { amount: String! owner: User }
    type RecordConnection { edges: [RecordEdge!]! nodes: [Record!]! pageInfo: PageInfo! totalCount: Int! }
    type RecordEdge { cursor: String! node: Record! }
    type NoteConnection { nodes: [Record!]! }
    type PageInfo { endCursor: String }
    schema { query: Query mutation: Mutation }
"#;

fn run(text: &str, variables: serde_json::Value) -> Result<Measured, Refusal> {
    let index = CostIndex::build(SDL).unwrap();
    let document = parse_query(text).unwrap();
    measure(
        &document,
        None,
        &Variables::from_json(variables),
        &index,
        &Limits::default(),
    )
}

fn cost(text: &str) -> u64 {
    run(text, json!({})).unwrap().cost
}

fn refused(text: &str) -> Refusal {
    run(text, json!({})).unwrap_err()
}

fn limit(text: &str) -> (&'static str, u64) {
    let exceeded = refused(text).exceeded.unwrap();
    (exceeded.limit, exceeded.actual)
}

#[test]
fn leaves_are_free_and_objects_cost_one() {
    assert_eq!(cost("{ __typename }"), 0);
    assert_eq!(cost("{ me { id name } }"), 1);
    assert_eq!(cost("{ a { a { me { id } } } }"), 3);
    assert_eq!(cost("{ nowhere { at { all } } }"), 2);
    assert_eq!(cost("mutation { rename { record { id } } }"), 11);
}

#[test]
fn lists_multiply_by_their_page() {
    assert_eq!(
        cost("{ records(first: 100) { edges { cursor node { id } } } }"),
        102
    );
    assert_eq!(
        cost("{ records(last: 50) { nodes { id } pageInfo { endCursor } } }"),
        52
    );
    assert_eq!(cost("{ records { nodes { id } } }"), 21);
    assert_eq!(
        cost("{ records(first: 0) { nodes { id } totalCount } }"),
        11
    );
    assert_eq!(cost("{ nodes(ids: [1, 2, 3]) { id } }"), 3);
    assert_eq!(
        cost("{ records(first: 3) { nodes { lines { owner { id } } tags } } }"),
        64
    );
    assert_eq!(
        cost("{ records(first: 10) { nodes { notes(first: 5) { nodes { id } } } } }"),
        1 + 10 * (1 + 1 + 5)
    );
    let refusal =
        refused("{ records(first: 100) { nodes { notes(first: 100) { nodes { id } } } } }");
    assert_eq!(
        (refusal.code, refusal.exceeded.unwrap().actual),
        (Code::CostLimit, 10_201)
    );
    assert_eq!(
        limit("{ records(first: 18446744073709551615) { nodes { id } } }"),
        ("cost", u64::MAX)
    );
}

#[test]
fn a_fragment_on_a_connection_takes_the_page_of_where_it_is_spread() {
    let text = "{ x: records(first: 3) { ...F } y: records(first: 5) { ...F } }
        fragment F on RecordConnection { nodes { id } pageInfo { endCursor } }";
    assert_eq!(cost(text), (1 + 3 + 1) + (1 + 5 + 1));
}

#[test]
fn pages_are_read_from_variables_and_their_defaults() {
    let text = "query($n: Int = 7) { records(first: $n) { nodes { id } } }";
    assert_eq!(run(text, json!({})).unwrap().cost, 8);
    assert_eq!(run(text, json!({"n": 9})).unwrap().cost, 10);
    assert_eq!(run(text, json!({"n": "nonsense"})).unwrap().cost, 21);
    let ids = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    assert_eq!(run(ids, json!({"ids": ["a", "b"]})).unwrap().cost, 2);
}

#[test]
fn each_limit_is_refused_by_its_own_name() {
    let deep = format!("{{ {} a {} }}", "a {".repeat(12), "}".repeat(12));
    assert_eq!(limit(&deep), ("depth", 13));
    assert_eq!(
        refused(&deep).message,
        "The document nests 13 levels deep; at most 12 are accepted."
    );
    let aliases: String = (0..31).map(|n| format!("a{n}: __typename ")).collect();
    assert_eq!(limit(&format!("{{ a {{ {aliases} }} }}")), ("aliases", 31));
    let directives = "@skip(if: false) ".repeat(51);
    assert_eq!(
        limit(&format!("{{ a {directives} {{ __typename }} }}")),
        ("directives", 51)
    );
    assert_eq!(
        limit(&format!("{{ {} }}", "__typename ".repeat(21))),
        ("rootFields", 21)
    );
    let many = "...F ".repeat(80);
    let text = format!(
        "{{ a {{ {many} }} }} fragment F on Query {{ {} }}",
        "__typename ".repeat(70)
    );
    assert_eq!(limit(&text), ("expandedFields", 1 + 80 * 71));
    let empty = format!("{{ {} a {} }}", "... {".repeat(33), "}".repeat(33));
    assert_eq!(limit(&empty).0, "nesting");
}

#[test]
fn the_limit_itself_is_accepted() {
    let deep = format!("{{ {} __typename {} }}", "a {".repeat(11), "}".repeat(11));
    assert_eq!(run(&deep, json!({})).unwrap().depth, 12);
    assert!(run(&format!("{{ {} }}", "__typename ".repeat(20)), json!({})).is_ok());
}

#[test]
fn aliases_and_root_fields_are_counted_through_fragments() {
    let text = "{ ...F ...F } fragment F on Query { x: me { id } y: me { id } }";
    let measured = run(text, json!({})).unwrap();
    assert_eq!(
        (measured.aliases, measured.root_fields, measured.cost),
        (4, 4, 4)
    );
    assert_eq!(measured.expanded_fields, 10);
}

#[test]
fn cycles_and_unknown_fragments_are_refused_even_where_unused() {
    assert!(
        refused("{ ...F } fragment F on Query { a { ...F } }")
            .message
            .contains("itself")
    );
    assert!(
        refused("{ a } fragment F on Query { ...G } fragment G on Query { ...F }")
            .message
            .contains("itself")
    );
    assert!(refused("{ ...F }").message.contains("not defined"));
}

#[test]
fn twenty_six_doubling_fragments_are_decided_at_once() {
    let mut text = "{ ...F0 } fragment F26 on Query { __typename }".to_owned();
    for n in 0..26 {
        text += &format!(" fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
    }
    let index = CostIndex::build(SDL).unwrap();
    let document = parse_query(&text).unwrap();
    // the best of several, for the machine has other work as well
    let spent = (0..10).map(|_| {
        let started = Instant::now();
        let refusal = measure(
            &document,
            None,
            &Variables::default(),
            &index,
            &Limits::default(),
        );
        assert_eq!(refusal.unwrap_err().exceeded.unwrap().limit, "rootFields");
        started.elapsed()
    });
    let best = spent.min().unwrap();
    assert!(best.as_micros() < 2_000, "took {best:?}");
}

#[test]
fn a_long_chain_of_fragments_ends_before_the_stack_does() {
    let mut text = "{ ...F0 } fragment F240 on Query { __typename }".to_owned();
    for n in 0..240 {
        text += &format!(" fragment F{n} on Query {{ ...F{} }}", n + 1);
    }
    assert_eq!(limit(&text).0, "nesting");
}

#[test]
fn only_the_chosen_operation_pays_but_all_are_bounded() {
    let index = CostIndex::build(SDL).unwrap();
    let document =
        parse_query("query A { me { id } } query B { records(first: 9) { nodes { id } } }")
            .unwrap();
    let measured = |name| {
        measure(
            &document,
            name,
            &Variables::default(),
            &index,
            &Limits::default(),
        )
    };
    assert_eq!(measured(Some("A")).unwrap().cost, 1);
    assert_eq!(measured(Some("B")).unwrap().cost, 10);
    assert_eq!(
        measured(Some("C")).unwrap_err().code,
        Code::GraphqlValidationFailed
    );
    assert_eq!(
        measured(None).unwrap_err().code,
        Code::GraphqlValidationFailed
    );
}

#[test]
fn deprecated_members_are_named() {
    let text = "{ me { login } records(first: 1) { nodes { tags(old: 1) } } }";
    let measured = run(text, json!({})).unwrap();
    assert_eq!(measured.deprecated, ["Record.tags(old:)", "User.login"]);
}

#[test]
fn deprecated_members_are_found_where_they_are_written() {
    const SDL: &str = r#"
        type Query { find(by: By, order: [Order!]): Int plain(free: Free): Int }
        enum Order { NAME AGE @deprecated(reason: "use NAME; since 2026-01-01; removed after 2026-12-31") }
        input By { name: String login: String @deprecated(reason: "use name; since 2026-02-01") more: [By!] order: Order }
        input Free { text: String }
    "#;
    let index = CostIndex::build(SDL).unwrap();
    let found = |text: &str, variables: serde_json::Value| {
        let (document, variables) = (parse_query(text).unwrap(), Variables::from_json(variables));
        let measured = measure(&document, None, &variables, &index, &Limits::default());
        let mut measured = measured.unwrap();
        let operation = select_operation(&document, None).unwrap();
        measured.note_variables(operation, &variables, &index);
        measured
    };
    let in_text = "{ find(by: { login: \"x\", more: [{ order: AGE }] }, order: NAME) }";
    let both = found(in_text, json!({}));
    assert_eq!(both.deprecated, ["By.login", "Order.AGE"]);
    let days = both.end.since.zip(both.end.until).unwrap();
    let days = (days.0.to_string(), days.1.to_string());
    assert_eq!(days, ("2026-02-01".to_owned(), "2026-12-31".to_owned()));

    let by_variable = "query($by: By, $order: [Order!] = [AGE]) { find(by: $by, order: $order) }";
    for (variables, members) in [
        (json!({}), vec!["Order.AGE"]),
        (json!({ "order": "AGE" }), vec!["Order.AGE"]),
        (json!({ "order": ["NAME"] }), vec![]),
        (
            json!({ "order": [], "by": { "more": { "login": null } } }),
            vec!["By.login"],
        ),
        (json!({ "order": [], "by": { "name": "AGE" } }), vec![]),
    ] {
        let found = found(by_variable, variables.clone());
        assert_eq!(found.deprecated, members, "{variables}");
        assert_eq!(found.end.since.is_some(), !members.is_empty());
    }
    let partly = "query($name: String) { find(by: { name: $name, login: $name }) }";
    let partly = found(partly, json!({ "name": "x" }));
    assert_eq!(partly.deprecated, ["By.login"]);
    let free = "query($free: Free) { plain(free: $free) }";
    assert!(
        found(free, json!({ "free": { "text": "AGE" } }))
            .deprecated
            .is_empty()
    );
}

#[test]
fn the_standard_introspection_query_passes_and_circles_do_not() {
    let of_type = format!("{} name {}", "ofType { kind name ".repeat(9), "}".repeat(9));
    let text = format!(
        "query I {{ __schema {{ queryType {{ name }} types {{ ...Full }} directives {{ args {{ ...In }} }} }} }}
         fragment Full on __Type {{ kind fields(includeDeprecated: true) {{ args {{ ...In }} type {{ ...Ref }} }}
           inputFields {{ ...In }} interfaces {{ ...Ref }} enumValues {{ name }} possibleTypes {{ ...Ref }} }}
         fragment In on __InputValue {{ name type {{ ...Ref }} defaultValue }}
         fragment Ref on __Type {{ kind name {of_type} }}"
    );
    let measured = run(&text, json!({})).unwrap();
    assert_eq!(measured.depth, 1);
    let circle =
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(limit(circle), ("introspectionLists", 3));
    let deep = format!(
        "{{ __type(name: \"A\") {{ {} name {} }} }}",
        "ofType {".repeat(24),
        "}".repeat(24)
    );
    assert_eq!(limit(&deep), ("introspectionDepth", 26));
}

/// Selections of a document with every fragment written out where it is spread.
fn naive(document: &ExecutableDocument, set: &SelectionSet) -> u64 {
    set.items
        .iter()
        .map(|item| {
            1 + match &item.node {
                Selection::Field(field) => naive(document, &field.node.selection_set.node),
                Selection::InlineFragment(inline) => {
                    naive(document, &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &document.fragments[&spread.node.fragment_name.node];
                    naive(document, &fragment.node.selection_set.node)
                }
            }
        })
        .sum()
}

/// Selection sets whose spreads only point to fragments above `floor`, so none is a cycle.
fn selections(floor: usize) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("__typename".to_owned()),
        Just("x: __typename @skip(if: false)".to_owned()),
        (floor..5usize).prop_map(|n| if n < 4 {
            format!("...F{n}")
        } else {
            "me { id }".to_owned()
        }),
    ];
    let inner = leaf.prop_recursive(3, 12, 3, |inner| {
        let set = proptest::collection::vec(inner, 1..4).prop_map(|items| items.join(" "));
        prop_oneof![
            set.clone().prop_map(|set| format!("a {{ {set} }}")),
            set.prop_map(|set| format!("... on Query {{ {set} }}")),
        ]
    });
    proptest::collection::vec(inner, 1..4).prop_map(|items| items.join(" "))
}

proptest! {
    #[test]
    fn the_sum_equals_the_document_written_out(
        sets in (selections(0), selections(1), selections(2), selections(3), selections(4))
    ) {
        let text = format!(
            "{{ {} }} fragment F0 on Query {{ {} }} fragment F1 on Query {{ {} }}
             fragment F2 on Query {{ {} }} fragment F3 on Query {{ {} }}",
            sets.0, sets.1, sets.2, sets.3, sets.4
        );
        let document = parse_query(&text).unwrap();
        let no_limits = Limits {
            depth: u64::MAX, aliases: u64::MAX, directives: u64::MAX, root_fields: u64::MAX,
            expanded_fields: u64::MAX, cost: u64::MAX, ..Limits::default()
        };
        let index = CostIndex::build(SDL).unwrap();
        let expected = document.operations.iter().map(|(_, operation)| {
            naive(&document, &operation.node.selection_set.node)
        }).sum::<u64>();
        if let Ok(measured) = measure(&document, None, &Variables::default(), &index, &no_limits) {
            prop_assert_eq!(measured.expanded_fields, expected);
        }
    }

    #[test]
    fn no_jumble_of_words_makes_it_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "a", "b: a", "...F", "...", "fragment F on Query {", "query {", "me {",
                "records(first: 3) {", "nodes {", "... on User {", "@skip(if: true)", "(ids: [1])", "__schema {",
            ]),
            0..60,
        )
    ) {
        let index = CostIndex::build(SDL).unwrap();
        let text = words.join(" ");
        if super::super::scan::scan(&text, &Limits::default()).is_ok() && let Ok(document) = parse_query(&text) {
            let _ = measure(&document, None, &Variables::default(), &index, &Limits::default());
        }
    }
}
