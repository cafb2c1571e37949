//! What every list of the schema promises about its pages.

use async_graphql::parser::types::BaseType;
use serde_json::Value;

use crate::support::{Path, Schema, TestApp};

#[tokio::test]
async fn every_list_counts_itself_and_says_where_the_log_stood_when_asked() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let schema = Schema::read();
    let mut lists = 0;
    for field in schema.fields("Query") {
        let BaseType::Named(ty) = &field.ty.node.base else {
            continue;
        };
        let argument = |argument: &async_graphql::parser::types::InputValueDefinition| {
            !argument.ty.node.nullable && argument.default_value.is_none()
        };
        let needs = field.arguments.iter().any(|of| argument(&of.node));
        if needs || !schema.has(ty, "pageInfo") {
            continue;
        }
        lists += 1;
        let name = &field.name.node;
        let head = owner.run("{ eventCursor }", Value::Null).await.ok();
        let document = format!("{{ {name}(first: 1) {{ totalCount asOf edges {{ cursor }} }} }}");
        let page = owner.run(&document, Value::Null).await.ok();
        assert_eq!(
            page.text(&format!("{name}.asOf")),
            head.text("eventCursor"),
            "{name}"
        );
        assert!(
            page[name.as_str()]["totalCount"].is_i64(),
            "{name} does not count"
        );
    }
    assert!(lists > 10, "the lists were not found: {lists}");
    app.finish().await;
}
