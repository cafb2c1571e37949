//! The comparison itself.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Field, Fields, Inputs, Kind, Model};
use super::types::{narrows, widens};
use super::{Change, Severity};

/// What changed from one schema to another, the worst first.
pub fn compare(old: &Model, new: &Model) -> Vec<Change> {
    let mut changes = Changes::default();
    for (name, was) in &old.types {
        match new.types.get(name) {
            Some(now) => changes.kind(name, was, now),
            None => changes.breaking(name, "was removed"),
        }
    }
    for name in new
        .types
        .keys()
        .filter(|name| !old.types.contains_key(*name))
    {
        changes.safe(name, "was added");
    }
    for (name, was) in &old.directives {
        let member = format!("@{name}");
        let Some(now) = new.directives.get(name) else {
            changes.breaking(&member, "was removed");
            continue;
        };
        changes.inputs(&was.arguments, &now.arguments, "argument", |argument| {
            format!("{member}({argument}:)")
        });
        for place in was.locations.difference(&now.locations) {
            changes.breaking(&member, &format!("may stand on {place} no more"));
        }
    }
    for name in new
        .directives
        .keys()
        .filter(|name| !old.directives.contains_key(*name))
    {
        changes.safe(&format!("@{name}"), "was added");
    }
    let mut found = changes.0;
    found.sort();
    found
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn note(&mut self, severity: Severity, member: &str, what: &str) {
        self.0.push(Change {
            severity,
            member: member.to_owned(),
            what: what.to_owned(),
        });
    }

    fn breaking(&mut self, member: &str, what: &str) {
        self.note(Severity::Breaking, member, what);
    }

    fn dangerous(&mut self, member: &str, what: &str) {
        self.note(Severity::Dangerous, member, what);
    }

    fn safe(&mut self, member: &str, what: &str) {
        self.note(Severity::Safe, member, what);
    }

    fn kind(&mut self, name: &str, old: &Kind, new: &Kind) {
        match (old, new) {
            (Kind::Object(old), Kind::Object(new))
            | (Kind::Interface(old), Kind::Interface(new)) => {
                self.fields(name, old, new);
            }
            (Kind::Union(old), Kind::Union(new)) => self.members(name, old, new),
            (Kind::Enum(old), Kind::Enum(new)) => self.values(name, old, new),
            (Kind::Input(old), Kind::Input(new)) => {
                self.inputs(old, new, "field", |field| format!("{name}.{field}"));
            }
            (Kind::Scalar, Kind::Scalar) => {}
            (old, new) => {
                let what = format!("was {}, is {}", old.word(), new.word());
                self.breaking(name, &what);
            }
        }
    }

    fn fields(&mut self, name: &str, old: &Fields, new: &Fields) {
        for interface in old.implements.difference(&new.implements) {
            self.breaking(name, &format!("implements {interface} no more"));
        }
        for interface in new.implements.difference(&old.implements) {
            self.dangerous(name, &format!("implements {interface} now"));
        }
        for (field, was) in &old.fields {
            let member = format!("{name}.{field}");
            match new.fields.get(field) {
                Some(now) => self.field(&member, was, now),
                None if was.deprecated => self.breaking(&member, "was removed; it was deprecated"),
                None => self.breaking(&member, "was removed"),
            }
        }
        for field in new
            .fields
            .keys()
            .filter(|field| !old.fields.contains_key(*field))
        {
            self.safe(&format!("{name}.{field}"), "was added");
        }
    }

    fn field(&mut self, member: &str, old: &Field, new: &Field) {
        if old.ty != new.ty {
            let what = format!("was {}, is {}", old.ty, new.ty);
            match narrows(&old.ty, &new.ty) {
                true => self.safe(member, &what),
                false => self.breaking(member, &what),
            }
        }
        self.deprecation(member, old.deprecated, new.deprecated);
        self.inputs(&old.arguments, &new.arguments, "argument", |argument| {
            format!("{member}({argument}:)")
        });
    }

    /// Arguments of a field, or fields of an input.
    fn inputs(&mut self, old: &Inputs, new: &Inputs, word: &str, member: impl Fn(&str) -> String) {
        for (name, was) in old {
            let member = member(name);
            let Some(now) = new.get(name) else {
                self.breaking(&member, "was removed");
                continue;
            };
            let must = now.is_required() && !was.is_required();
            if was.ty != now.ty {
                let what = format!("was {}, is {}", was.ty, now.ty);
                match widens(&was.ty, &now.ty) {
                    true => self.safe(&member, &what),
                    false => self.breaking(&member, &what),
                }
            } else if must {
                self.breaking(&member, "has no default any more, and must be sent");
            }
            if !must && was.default != now.default {
                let told = |default: &Option<String>| default.clone().unwrap_or("none".to_owned());
                let what = format!(
                    "has the default {}, had {}",
                    told(&now.default),
                    told(&was.default)
                );
                self.dangerous(&member, &what);
            }
            self.deprecation(&member, was.deprecated, now.deprecated);
        }
        for (name, now) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            match now.is_required() {
                true => self.breaking(&member(name), &format!("is a new {word} that must be sent")),
                false => self.dangerous(&member(name), &format!("is a new {word}, optional")),
            }
        }
    }

    fn members(&mut self, name: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
        for gone in old.difference(new) {
            self.breaking(name, &format!("holds {gone} no more"));
        }
        for come in new.difference(old) {
            self.dangerous(name, &format!("may hold {come} now"));
        }
    }

    fn values(&mut self, name: &str, old: &BTreeMap<String, bool>, new: &BTreeMap<String, bool>) {
        for (value, deprecated) in old {
            let member = format!("{name}.{value}");
            match new.get(value) {
                Some(now) => self.deprecation(&member, *deprecated, *now),
                None => self.breaking(&member, "was removed"),
            }
        }
        for value in new.keys().filter(|value| !old.contains_key(*value)) {
            self.dangerous(&format!("{name}.{value}"), "was added");
        }
    }

    fn deprecation(&mut self, member: &str, old: bool, new: bool) {
        match (old, new) {
            (false, true) => self.safe(member, "is deprecated now"),
            (true, false) => self.safe(member, "is deprecated no more"),
            _ => {}
        }
    }
}
