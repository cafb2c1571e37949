use super::*;

fn changes(old: &str, new: &str) -> Vec<String> {
    let read = |sdl| Model::read(sdl).unwrap();
    let found = compare(&read(old), &read(new));
    found
        .into_iter()
        .map(|change| format!("{}: {} {}", change.severity, change.member, change.what))
        .collect()
}

#[test]
fn a_schema_does_not_differ_from_itself() {
    let sdl = include_str!("../../../../schema.graphql");
    assert_eq!(changes(sdl, sdl), Vec::<String>::new());
}

#[test]
fn what_documents_ask_for_may_not_go() {
    let old = "type Query { a: Int! b: String c: [Int!]! @deprecated(reason: \"x\") } type Gone { a: Int }";
    let new = "type Query { a: Int b: Int d: Int }";
    assert_eq!(
        changes(old, new),
        [
            "breaking: Gone was removed",
            "breaking: Query.a was Int!, is Int",
            "breaking: Query.b was String, is Int",
            "breaking: Query.c was removed; it was deprecated",
            "safe: Query.d was added",
        ]
    );
}

#[test]
fn what_documents_send_must_go_on_being_accepted() {
    let old = "type Query { a(x: Int, y: Int! = 1, z: Int): Int } input I { a: Int b: Int! }";
    let new = "type Query { a(x: Int!, y: Int!, w: Int, v: Int!): Int } input I { a: Int = 2 b: Int c: Int! }";
    assert_eq!(
        changes(old, new),
        [
            "breaking: I.c is a new field that must be sent",
            "breaking: Query.a(v:) is a new argument that must be sent",
            "breaking: Query.a(x:) was Int, is Int!",
            "breaking: Query.a(y:) has no default any more, and must be sent",
            "breaking: Query.a(z:) was removed",
            "dangerous: I.a has the default 2, had none",
            "dangerous: Query.a(w:) is a new argument, optional",
            "safe: I.b was Int!, is Int",
        ]
    );
}

#[test]
fn a_client_may_be_surprised_by_what_it_does_not_know() {
    let old = "enum E { A B } union U = X | Y interface N { id: ID } type X { id: ID } type Y { id: ID } scalar S";
    let new = "enum E { A C } union U = X interface N { id: ID } type X implements N { id: ID! @deprecated } type Y { id: ID } enum S { A }";
    assert_eq!(
        changes(old, new),
        [
            "breaking: E.B was removed",
            "breaking: S was scalar, is enum",
            "breaking: U holds Y no more",
            "dangerous: E.C was added",
            "dangerous: X implements N now",
            "safe: X.id is deprecated now",
            "safe: X.id was ID, is ID!",
        ]
    );
}

#[test]
fn directives_are_part_of_what_documents_say() {
    let old = "directive @a(x: Int) on FIELD | QUERY directive @b on FIELD type Query { a: Int }";
    let new = "directive @a(x: Int!) on FIELD directive @c on FIELD type Query { a: Int }";
    let found = changes(old, new);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.contains(&"breaking: @a(x:) was Int, is Int!".to_owned()));
    assert!(found.contains(&"breaking: @b was removed".to_owned()));
    assert!(found.contains(&"safe: @c was added".to_owned()));
}
