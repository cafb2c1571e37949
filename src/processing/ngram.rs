//! Text as a sparse vector: character trigrams, fourgrams and words, hashed with a sign into 512 dimensions.
//!
//! No weights are learnt and the hash is fixed (FNV-1a), so the vector of a string is the same on every machine and
//! in every year, and need never be computed again because other strings arrived.

use crate::text::fold;

/// How many dimensions the features are hashed into.
pub const DIMENSIONS: usize = crate::vectors::HASHED_DIMENSION;

/// What a whole word counts, against 1 for a run of characters.
const WORD_WEIGHT: i16 = 2;
/// Bank text ends long before; a pasted page must not cost more than a statement line.
const MAX_CHARS: usize = 256;

/// The sparse vector of a text, by ascending dimension, of length 1; empty for blank text.
pub fn vector(text: &str) -> Vec<(u16, f32)> {
    let features = features(&fold(text));
    let scale = inverse_norm(&features);
    features
        .into_iter()
        .map(|(dimension, value)| (dimension, f32::from(value) * scale))
        .collect()
}

/// The same vector with its zeros, as it is stored.
pub fn dense(text: &str) -> Vec<f32> {
    let mut dense = vec![0.0; DIMENSIONS];
    for (dimension, value) in vector(text) {
        dense[usize::from(dimension)] = value;
    }
    dense
}

/// The signed feature counts of an already folded text, by ascending dimension; no zero among them.
///
/// Counts are whole numbers, so sums of their products are exact and do not depend on the order of adding.
pub(super) fn features(folded: &str) -> Vec<(u16, i8)> {
    if folded.is_empty() {
        return Vec::new();
    }
    let mut dense = [0_i16; DIMENSIONS];
    let mut padded = String::with_capacity(folded.len() + 2);
    padded.push(' ');
    padded.extend(folded.chars().take(MAX_CHARS));
    padded.push(' ');

    let starts: Vec<usize> = padded
        .char_indices()
        .map(|(at, _)| at)
        .chain([padded.len()])
        .collect();
    for length in [3, 4] {
        for window in starts.windows(length + 1) {
            count(
                &mut dense,
                fnv1a(b"", &padded.as_bytes()[window[0]..window[length]]),
                1,
            );
        }
    }
    for word in padded.split_ascii_whitespace() {
        count(&mut dense, fnv1a(b"w ", word.as_bytes()), WORD_WEIGHT);
    }
    let limit = i16::from(i8::MAX);
    let narrow =
        |value: i16| i8::try_from(value.clamp(-limit, limit)).expect("clamped to the range of i8");
    (0_u16..)
        .zip(dense)
        .filter(|(_, value)| *value != 0)
        .map(|(at, value)| (at, narrow(value)))
        .collect()
}

/// One over the length of the vector, or 0 for the empty one.
pub(super) fn inverse_norm(features: &[(u16, i8)]) -> f32 {
    let square: i32 = features
        .iter()
        .map(|(_, value)| i32::from(*value).pow(2))
        .sum();
    if square == 0 {
        0.0
    } else {
        1.0 / (square as f32).sqrt()
    }
}

/// Adds a feature to its dimension. The low bit of the hash is the sign: collisions cancel out instead of adding up.
fn count(dense: &mut [i16; DIMENSIONS], hash: u64, weight: i16) {
    let mixed = (hash ^ (hash >> 32)) as u32;
    let dimension = (mixed >> 1) as usize % DIMENSIONS;
    dense[dimension] += if mixed & 1 == 0 { weight } else { -weight };
}

/// FNV-1a over two pieces, one after the other.
fn fnv1a(first: &[u8], second: &[u8]) -> u64 {
    first
        .iter()
        .chain(second)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        let b = vector(b);
        let dense = |d: u16| {
            b.iter()
                .find(|(at, _)| *at == d)
                .map_or(0.0, |(_, value)| *value)
        };
        vector(a).iter().map(|(d, value)| value * dense(*d)).sum()
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b"", b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foo", b"bar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_vector_has_length_one_and_never_changes() {
        let vector = vector("Coffee Corner 42");
        let length: f32 = vector.iter().map(|(_, value)| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert!(vector.is_sorted_by_key(|(dimension, _)| *dimension));
        assert_eq!(super::vector("  coffee CORNER 42"), vector);
        // the first dimensions, as stored by earlier versions
        let first: Vec<u16> = vector
            .iter()
            .take(4)
            .map(|(dimension, _)| *dimension)
            .collect();
        assert_eq!(first, [19, 41, 77, 82]);
    }

    #[test]
    fn alike_strings_are_close_and_others_are_not() {
        assert!(cosine("coffee corner 42 utrecht", "coffee corner 17 utrecht") > 0.6);
        assert!(cosine("coffee corner 42 utrecht", "municipal water board") < 0.2);
        assert!((cosine("Köln Bäckerei", "köln bäckerei") - 1.0).abs() < 1e-5);
    }

    #[test]
    fn blank_text_is_like_nothing() {
        assert!(vector("  ").is_empty());
        assert!(
            features(&"z".repeat(100_000))
                .iter()
                .all(|(_, value)| *value != 0)
        );
    }
}
