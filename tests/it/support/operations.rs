//! Every operation of the schema, with arguments made up to fit: for tests that walk the whole of it.

use std::collections::BTreeMap;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputObjectType, InputValueDefinition, Type, TypeDefinition,
    TypeKind, TypeSystemDefinition,
};
use balance::graphql::node::global;
use balance::graphql::schema::sdl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::user_errors;
use super::{Answer, Client};

/// The schema, ready to be walked.
pub struct Schema {
    types: BTreeMap<String, TypeDefinition>,
    operations: Vec<Operation>,
}

/// One field of `Query`, `Mutation` or `Subscription`.
pub struct Operation {
    /// `query`, `mutation` or `subscription`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The type it answers with, without list and null.
    pub returns: String,
    /// What its description says.
    pub description: String,
    arguments: Vec<InputValueDefinition>,
    object: bool,
}

/// Which ids an operation was found to want, by the path to each.
pub type Ids = BTreeMap<String, String>;

impl Schema {
    /// Reads the schema of this build.
    pub fn read() -> Self {
        let document = parse_schema(sdl()).expect("the SDL can be parsed");
        let types = document.definitions.into_iter();
        let types = types.filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some((ty.node.name.node.to_string(), ty.node)),
            _ => None,
        });
        let mut schema = Self {
            types: types.collect(),
            operations: Vec::new(),
        };
        schema.operations = schema.find_operations();
        schema
    }

    /// Every operation, in the order of kinds and names.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn find_operations(&self) -> Vec<Operation> {
        let roots = [
            ("query", "Query"),
            ("mutation", "Mutation"),
            ("subscription", "Subscription"),
        ];
        let mut operations = Vec::new();
        for (kind, root) in roots {
            let mut fields = self.fields(root);
            fields.sort_by_key(|field| field.name.node.to_string());
            operations.extend(fields.iter().map(|field| self.operation(kind, field)));
        }
        operations
    }

    /// The fields of an object type; none of anything else.
    pub fn fields(&self, name: &str) -> Vec<FieldDefinition> {
        let fields = match self.types.get(name).map(|ty| &ty.kind) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Interface(interface)) => &interface.fields,
            _ => return Vec::new(),
        };
        fields.iter().map(|field| field.node.clone()).collect()
    }

    /// Whether a type has a field.
    pub fn has(&self, name: &str, field: &str) -> bool {
        self.fields(name)
            .iter()
            .any(|found| found.name.node == field)
    }

    /// All fields of a type that need no arguments but the size of a page, down to a depth.
    fn select(&self, name: &str, depth: usize) -> String {
        let mut selected = vec!["__typename".to_owned()];
        for field in self.fields(name) {
            let field_name = &field.name.node;
            if field
                .arguments
                .iter()
                .any(|argument| needed(&argument.node))
            {
                continue;
            }
            let pages = field
                .arguments
                .iter()
                .any(|of| of.node.name.node == "first");
            let page = if pages { "(first: 2)" } else { "" };
            let ty = base(&field.ty.node.base);
            if self.fields(&ty).is_empty() {
                selected.push(format!("{field_name}{page}"));
            } else if depth > 1 {
                selected.push(format!(
                    "{field_name}{page} {{ {} }}",
                    self.select(&ty, depth - 1)
                ));
            }
        }
        selected.join(" ")
    }

    /// The types that `node` can answer with.
    pub fn nodes(&self) -> Vec<String> {
        let objects = self.types.iter().filter(|(_, ty)| match &ty.kind {
            TypeKind::Object(object) => object.implements.iter().any(|of| of.node == "Node"),
            _ => false,
        });
        objects.map(|(name, _)| name.clone()).collect()
    }

    fn operation(&self, kind: &'static str, field: &FieldDefinition) -> Operation {
        let returns = base(&field.ty.node.base);
        let described = field.description.as_ref();
        Operation {
            kind,
            name: field.name.node.to_string(),
            description: described.map(|text| text.node.clone()).unwrap_or_default(),
            arguments: field.arguments.iter().map(|arg| arg.node.clone()).collect(),
            object: matches!(
                self.types.get(&returns).map(|ty| &ty.kind),
                Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
            ),
            returns,
        }
    }
}

/// Makes up arguments that fit.
struct Maker<'a> {
    schema: &'a Schema,
    /// Kinds of ids that were learnt; these are filled in even where they are not needed.
    ids: &'a Ids,
    /// Kinds of ids as their names suggest.
    guesses: Ids,
    id: &'a dyn Fn(&str) -> String,
}

impl Maker<'_> {
    fn arguments(&self, of: &Operation) -> Value {
        let mut arguments = serde_json::Map::new();
        for argument in &of.arguments {
            let name = argument.name.node.as_str();
            // a page must say how long it is
            if needed(argument) || name == "first" || self.wants(name) {
                let made = self.make(&argument.ty.node, name);
                arguments.insert(name.to_owned(), made);
            }
        }
        Value::Object(arguments)
    }

    fn make(&self, ty: &Type, path: &str) -> Value {
        let name = match &ty.base {
            BaseType::Named(name) => name.as_str(),
            BaseType::List(item) => return json!([self.make(item, path)]),
        };
        if name == "ID" {
            let kind = self.ids.get(path).or_else(|| self.guesses.get(path));
            return json!((self.id)(kind.map_or("Unknown", String::as_str)));
        }
        match self.schema.types.get(name).map(|ty| &ty.kind) {
            // the last one of a list of roles is the least
            Some(TypeKind::Enum(choices)) => {
                let last = choices.values.last();
                json!(last.map(|value| value.node.value.node.as_str()))
            }
            Some(TypeKind::InputObject(input)) => {
                let directives = &self.schema.types[name].directives;
                let one_of = directives.iter().any(|d| d.node.name.node == "oneOf");
                self.fill(input, one_of, path)
            }
            // one that every tenant knows, so that what comes after it is looked at
            _ if path.to_lowercase().ends_with("currency") => json!("EUR"),
            _ => scalar(name),
        }
    }

    fn fill(&self, input: &InputObjectType, one_of: bool, path: &str) -> Value {
        // alternatives may hold each other without end; one that holds none ends it
        let flat = |field: &&Positioned<InputValueDefinition>| {
            let ty = self.schema.types.get(&base(&field.node.ty.node.base));
            !matches!(ty.map(|ty| &ty.kind), Some(TypeKind::InputObject(_)))
        };
        let asked = |field: &&Positioned<InputValueDefinition>| {
            self.wants(&within(path, &field.node.name.node))
        };
        let chosen = input.fields.iter().find(asked);
        let chosen = chosen
            .or_else(|| input.fields.iter().find(flat))
            .or(input.fields.first());
        let mut filled = serde_json::Map::new();
        for field in &input.fields {
            let name = &field.node.name.node;
            let inner = within(path, name);
            let wanted = match one_of {
                true => chosen.is_some_and(|chosen| chosen.node.name.node == *name),
                false => needed(&field.node) || self.wants(&inner),
            };
            if wanted {
                let made = self.make(&field.node.ty.node, &inner);
                filled.insert(name.to_string(), made);
            }
        }
        Value::Object(filled)
    }

    /// Whether an id in there was asked for.
    fn wants(&self, path: &str) -> bool {
        let below = format!("{path}.");
        let all = self.ids.keys();
        all.into_iter()
            .any(|wanted| wanted == path || wanted.starts_with(&below) || path == "input")
    }
}

impl Operation {
    /// Everything its answer tells, a few levels deep.
    pub fn select(&self, schema: &Schema) -> String {
        schema.select(&self.returns, 5)
    }

    /// The kind of id it wants somewhere, as the name there suggests.
    pub fn guess(&self, path: &str) -> String {
        guess(path, &self.returns)
    }

    /// Whether it cannot be asked without this argument.
    pub fn needs(&self, path: &str) -> bool {
        let argument = self
            .arguments
            .iter()
            .find(|argument| argument.name.node == path);
        argument.is_some_and(needed)
    }

    /// A document that runs it, and its variables.
    pub fn document(
        &self,
        schema: &Schema,
        ids: &Ids,
        id: &dyn Fn(&str) -> String,
        select: &str,
    ) -> (String, Value) {
        let guesses = self.id_paths(schema).into_iter();
        let guesses = guesses.map(|path| (path.clone(), guess(&path, &self.returns)));
        let maker = Maker {
            schema,
            ids,
            guesses: guesses.collect(),
            id,
        };
        let variables = maker.arguments(self);
        let (mut declared, mut passed) = (Vec::new(), Vec::new());
        for argument in &self.arguments {
            let name = &argument.name.node;
            if variables.get(name.as_str()).is_some() {
                declared.push(format!("${name}: {}", argument.ty.node));
                passed.push(format!("{name}: ${name}"));
            }
        }
        let list = |items: Vec<String>| match items.is_empty() {
            true => String::new(),
            false => format!("({})", items.join(", ")),
        };
        let select = match self.object {
            true => format!(" {{ {select} }}"),
            false => String::new(),
        };
        let (kind, name) = (self.kind, &self.name);
        let (declared, passed) = (list(declared), list(passed));
        let document = format!("{kind} X{declared} {{ {name}{passed}{select} }}");
        (document, variables)
    }

    /// Which arguments and input fields are ids, whether needed or not, as paths; `input.` is left out.
    pub fn id_paths(&self, schema: &Schema) -> Vec<String> {
        let mut paths = Vec::new();
        for argument in &self.arguments {
            collect(schema, argument, "", 0, &mut paths);
        }
        paths
    }

    /// Runs it as somebody, learning from what it answers which kinds of ids it wants.
    pub async fn run(
        &self,
        schema: &Schema,
        as_: &Client,
        ids: &mut Ids,
        id: &dyn Fn(&str) -> String,
    ) -> Answer {
        loop {
            let select = match schema.has(&self.returns, "errors") {
                true => "errors { field message code }",
                false => "__typename",
            };
            let (document, variables) = self.document(schema, ids, id, select);
            let answer = as_.run(&document, variables.clone()).await;
            let code = answer.body["errors"][0]["extensions"]["code"].as_str();
            let fits = !matches!(
                code,
                Some("GRAPHQL_VALIDATION_FAILED" | "GRAPHQL_PARSE_FAILED" | "BAD_REQUEST")
            );
            assert!(
                fits,
                "{document} with {variables} does not fit the schema: {:#}",
                answer.body
            );
            if !self.learn(schema, &answer.body, ids) {
                return answer;
            }
        }
    }

    /// Takes a complaint about the kind of an id to heart; whether there was one that is new.
    pub fn learn(&self, schema: &Schema, body: &Value, ids: &mut Ids) -> bool {
        let as_data = user_errors(body);
        let complaint = match as_data.first() {
            Some(error) => Some((&error["field"], &error["message"])),
            None => {
                let detail = &body["errors"][0]["extensions"]["details"][0];
                Some((&detail["path"], &detail["msg"]))
            }
        };
        let Some((Some(field), Some(message))) = complaint.map(|(f, m)| (f.as_str(), m.as_str()))
        else {
            return false;
        };
        // "…; the id of a Rule is needed" and "…; use the `id` of a Rule"
        // and "…; one of type Rule is needed"
        let split = message
            .rsplit_once("; one of type ")
            .or_else(|| message.rsplit_once(" of a "));
        let Some((_, kind)) = split else {
            return false;
        };
        let kind: String = kind.chars().take_while(|c| c.is_alphanumeric()).collect();
        let plain: String = field
            .chars()
            .filter(|c| !matches!(c, '[' | ']' | '0'..='9'))
            .collect();
        let mut paths = self.id_paths(schema).into_iter();
        match paths.find(|path| *path == plain || plain.ends_with(&format!(".{path}"))) {
            Some(path) => ids.insert(path, kind.clone()) != Some(kind),
            None => false,
        }
    }
}

/// An id of a kind that belongs to nothing.
pub fn nowhere(kind: &str) -> String {
    global(
        kind,
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
    )
    .to_string()
}

fn collect(
    schema: &Schema,
    input: &InputValueDefinition,
    path: &str,
    depth: usize,
    paths: &mut Vec<String>,
) {
    let path = within(path, &input.name.node);
    let ty = base(&input.ty.node.base);
    if ty == "ID" {
        paths.push(path);
    } else if let Some(TypeKind::InputObject(fields)) = schema.types.get(&ty).map(|ty| &ty.kind)
        // conditions may hold conditions
        && depth < 3
    {
        for field in &fields.fields {
            collect(schema, &field.node, &path, depth + 1, paths);
        }
    }
}

/// The path of a member, as errors for the user tell it: without the `input` around everything.
fn within(path: &str, name: &str) -> String {
    match path {
        "" | "input" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// The kind of an id, as its name suggests: `accountId` and `accountIds` are of an `Account`, `id` of what is asked for.
fn guess(path: &str, returns: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let name = ["Ids", "Id", "In"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    // an event can be about anything; records are what most are about
    if ["subject", "resource"].contains(&name) {
        return "Record".to_owned();
    }
    if name == "actor" {
        return "User".to_owned();
    }
    if ["id", "ids"].contains(&name) {
        // anything can be a node; and a stream of news about a thing is asked for by the thing
        return match returns {
            "Node" => "Record".to_owned(),
            of => of.strip_suffix("News").unwrap_or(of).to_owned(),
        };
    }
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

fn needed(input: &InputValueDefinition) -> bool {
    !input.ty.node.nullable && input.default_value.is_none()
}

fn base(ty: &BaseType) -> String {
    match ty {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(item) => base(&item.base),
    }
}

fn scalar(name: &str) -> Value {
    match name {
        "Int" => json!(1),
        "Float" => json!(0.5),
        "Boolean" => json!(true),
        "Date" => json!("2026-03-01"),
        "DateTime" => json!("2026-03-01T00:00:00Z"),
        "Decimal" => json!("1.00"),
        "UUID" => json!(Uuid::nil()),
        "JSON" => json!({}),
        _ => json!("x"),
    }
}
