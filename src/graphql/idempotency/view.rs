//! What is asked of an answer, as text that is the same for the same question.

use async_graphql::{SelectionField, ServerResult};

/// What is selected beneath a field: names, aliases and arguments, through fragments, in the order of the answer.
pub fn of(field: SelectionField<'_>) -> ServerResult<String> {
    let mut text = String::new();
    write(field, &mut text)?;
    Ok(text)
}

fn write(field: SelectionField<'_>, text: &mut String) -> ServerResult<()> {
    text.push('{');
    for child in field.selection_set() {
        text.push_str(child.alias().unwrap_or(child.name()));
        text.push(':');
        text.push_str(child.name());
        for (name, value) in child.arguments()? {
            text.push_str(&format!("({name}:{value})"));
        }
        write(child, text)?;
    }
    text.push('}');
    Ok(())
}
