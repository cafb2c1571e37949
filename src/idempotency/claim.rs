//! What a key stands for.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ctx::{Actor, Claim, Ctx, canonical};
use crate::error::{Error, Result};

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A key with the request it stands for: a mutation, its input, and what is asked of its answer.
pub fn claim(ctx: &Ctx, operation: &str, key: &str, input: &Value, view: &str) -> Result<Claim> {
    if key.trim().is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Error::invalid(
            "idempotencyKey",
            format!("must have 1 to {MAX_KEY_BYTES} bytes, not all of them blank"),
        ));
    }
    let tenant = ctx.tenant();
    let id = hash(&[
        &tenant.to_string(),
        operation,
        &ctx.actor().to_string(),
        key,
    ]);
    // the keys of one program may differ in what they may see; a person is one person
    let holder = match ctx.actor() {
        Actor::Service(_) => format!("{:?}", ctx.permissions().grants()),
        _ => String::new(),
    };
    Ok(Claim {
        id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        tenant,
        operation: operation.to_owned(),
        // salted with the key, which is kept nowhere: an input that is easily guessed cannot be tried out
        input_hash: hash(&[key, &canonical(input)]),
        view_hash: hash(&[view, &holder]),
    })
}

/// SHA-256 of parts that cannot run into each other.
fn hash(parts: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["a", ""]), hash(&["", "a"]));
    }
}
