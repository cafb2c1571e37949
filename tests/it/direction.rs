//! Rooms depend downwards only, in the order that `src/lib.rs` declares.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a room stands: its line, counted from the top, and its place on that line. Rooms of one line are neighbours:
/// one may use those to its right.
type Places = BTreeMap<String, (usize, usize)>;

#[test]
fn rooms_use_only_what_lies_below_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let places = places(&fs::read_to_string(source.join("lib.rs")).unwrap());
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).unwrap().to_str().unwrap();
        let room = inside.split('/').next().unwrap().trim_end_matches(".rs");
        // the binary and the list itself stand above all rooms
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let Some(place) = places.get(room) else {
            wrong.push(format!(
                "src/{inside}: the room {room} is not in the list of src/lib.rs"
            ));
            continue;
        };
        for (line, used) in uses(&fs::read_to_string(&file).unwrap()) {
            let Some(other) = places.get(&used) else {
                wrong.push(format!(
                    "src/{inside}:{line}: crate::{used} is not in the list"
                ));
                continue;
            };
            if other < place {
                wrong.push(format!(
                    "src/{inside}:{line}: {room} uses {used}, which is above it"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn uses_are_found_however_they_are_written() {
    let text = "use crate::page;\nuse crate::{http, worker::{self, work}};\n// crate::not\n    let x = crate::secret::token();\n";
    let found: Vec<_> = uses(text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(found, ["page", "http", "worker", "secret"]);
}

/// The list in the header of `lib.rs`.
fn places(lib: &str) -> Places {
    let lines = lib.lines().filter_map(|line| line.strip_prefix("//!"));
    let listed = lines
        .skip_while(|line| !line.contains("```text"))
        .skip(1)
        .take_while(|line| !line.contains("```"));
    let mut places = Places::new();
    for (level, line) in listed.enumerate() {
        for (at, room) in line.split_whitespace().enumerate() {
            let twice = places.insert(room.to_owned(), (level, at));
            assert!(twice.is_none(), "{room} is listed twice");
        }
    }
    assert!(places.len() > 10, "the list of rooms was not found");
    places
}

/// The rooms a file names, with the lines they are named on.
fn uses(text: &str) -> Vec<(usize, String)> {
    // comments are cut, lines stay
    let code: Vec<&str> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` and `some_crate::` are not ours
        if code[..at].ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric()) {
            continue;
        }
        let line = code[..at].lines().count().max(1);
        let rest = &code[at + "crate::".len()..];
        let rooms = match rest.strip_prefix('{') {
            Some(group) => heads(group),
            None => vec![word(rest)],
        };
        found.extend(rooms.into_iter().map(|room| (line, room)));
    }
    found
}

/// The first words of the members of a group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut members = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            c if depth == 0 => members.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    let words = members.iter().map(|member| word(member.trim()));
    words.filter(|word| !word.is_empty()).collect()
}

fn word(text: &str) -> String {
    let fits = |c: &char| c.is_alphanumeric() || *c == '_';
    text.chars().take_while(fits).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
