//! The merchant behind a bank's description.
//!
//! Banks wrap the name of a payee in point-of-sale prefixes, payment processors, references and store numbers that
//! change with every purchase. The merchant key is what stays: the key of the exact tier and of rules, and what
//! "seen before" means. It is a key and never the only input: similarity reads the raw text.

use crate::text::fold;

const TERMINAL: &[&str] = &[
    "pos",
    "visa",
    "card",
    "debit",
    "purchase",
    "pending",
    "checkcard",
    "recurring",
    "contactless",
];
const PROCESSORS: &[&str] = &[
    "sq", "tst", "sp", "pp", "paypal", "py", "iz", "zettle_", "zettle", "sumup", "stripe",
    "google", "apl", "ic", "fs", "ls", "eb", "wpy", "nyx",
];
const DOMAINS: &[&str] = &[".com", ".co.uk", ".org", ".net", ".ca", ".eu", ".uk"];
const COMPANY_WORDS: &[&str] = &[
    "ltd", "limited", "plc", "inc", "llc", "co", "the", "uk", "gb", "store", "stores", "ca",
    "corp", "company", "payments", "pymts", "pymt", "payment",
];

/// The normalised merchant of a description; empty only when the description is blank.
pub fn merchant_key(description: &str) -> String {
    let folded = fold(description);
    let text: Vec<char> = folded.chars().collect();
    let payee = without_processor(without_terminal(&text));
    let payee = replace(payee, None, web_prefix);
    let payee = replace(&payee, Some(' '), reference);
    let payee = replace(&payee, Some(' '), domain);
    let payee = replace(&payee, Some(' '), code);

    let words = words(&payee);
    let mut kept: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !COMPANY_WORDS.contains(word))
        .collect();
    if kept.is_empty() {
        kept = words.iter().map(String::as_str).collect();
    }
    if !kept.is_empty() {
        return kept.join(" ");
    }
    // everything looked like noise: a name with a digit (`o2`), a processor with a number, or only a reference
    let named = |word: &&str| word.contains(char::is_alphabetic);
    let whole: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(named)
        .collect();
    if whole.is_empty() {
        folded.into_owned()
    } else {
        whole.join(" ")
    }
}

/// Drops the words a terminal or a card scheme puts in front.
fn without_terminal(mut text: &[char]) -> &[char] {
    'words: loop {
        for word in TERMINAL {
            let Some(length) = literal(text, 0, word) else {
                continue;
            };
            if is_boundary(text, length) {
                text = &text[length..];
                let noise = text
                    .iter()
                    .take_while(|c| matches!(c, ' ' | ':' | '*' | '-'))
                    .count();
                text = &text[noise..];
                continue 'words;
            }
        }
        return text;
    }
}

/// Drops a payment processor and the stars behind it: `sq *`, `paypal *`.
fn without_processor(text: &[char]) -> &[char] {
    for name in PROCESSORS {
        let Some(mut at) = literal(text, 0, name) else {
            continue;
        };
        at += usize::from(text.get(at).is_some_and(|c| c.is_whitespace()));
        let stars = text[at..].iter().take_while(|c| **c == '*').count();
        if stars > 0 {
            at += stars;
            at += text[at..].iter().take_while(|c| c.is_whitespace()).count();
            return &text[at..];
        }
    }
    text
}

/// `www.`, with or without a scheme.
fn web_prefix(text: &[char], at: usize) -> Option<usize> {
    if !is_boundary(text, at) {
        return None;
    }
    let scheme = literal(text, at, "https://")
        .or_else(|| literal(text, at, "http://"))
        .unwrap_or(0);
    literal(text, at + scheme, "www.").map(|length| scheme + length)
}

/// A `*` or `#` followed by letters and digits with at least one digit among them.
fn reference(text: &[char], at: usize) -> Option<usize> {
    let space = |at: usize| usize::from(text.get(at).is_some_and(|c| c.is_whitespace()));
    let mut end = at;
    match text[at] {
        '*' | '#' => end += 1,
        first if first.is_whitespace() && text.get(at + 1) == Some(&'#') => {
            end += 2;
            end += space(end);
        }
        _ => return None,
    }
    end += space(end);
    let run = text[end..]
        .iter()
        .take_while(|c| c.is_ascii_alphanumeric() || **c == '-')
        .count();
    text[end..end + run]
        .iter()
        .any(char::is_ascii_digit)
        .then_some(end + run - at)
}

/// The ending of a web address.
fn domain(text: &[char], at: usize) -> Option<usize> {
    DOMAINS.iter().find_map(|ending| {
        literal(text, at, ending).filter(|length| is_boundary(text, at + length))
    })
}

/// A store number, a date, a terminal or order code: at most three letters and then a digit.
fn code(text: &[char], at: usize) -> Option<usize> {
    if !is_boundary(text, at) {
        return None;
    }
    let letters = text[at..]
        .iter()
        .take_while(|c| c.is_ascii_lowercase())
        .count();
    if letters > 3 || !text.get(at + letters).is_some_and(char::is_ascii_digit) {
        return None;
    }
    let run = text[at..]
        .iter()
        .take_while(|c| is_word(**c) || matches!(c, '/' | '-'))
        .count();
    text[at..at + run]
        .iter()
        .rposition(|c| is_word(*c))
        .map(|last| last + 1)
}

/// Words of letters and `&`; apostrophes join (`sainsbury's`), all else parts.
fn words(text: &[char]) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in text {
        match c {
            '\'' | '\u{2019}' | '`' => {}
            c if c.is_alphabetic() || *c == '&' => {
                words.last_mut().expect("starts with one word").push(*c)
            }
            _ if words.last().is_some_and(|word| !word.is_empty()) => words.push(String::new()),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The text with every leftmost match of `matcher`, which answers a length, replaced.
fn replace(
    text: &[char],
    with: Option<char>,
    matcher: impl Fn(&[char], usize) -> Option<usize>,
) -> Vec<char> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if let Some(length) = matcher(text, at) {
            replaced.extend(with);
            at += length;
        } else {
            replaced.push(text[at]);
            at += 1;
        }
    }
    replaced
}

/// The length of `expected` when the text goes on with it.
fn literal(text: &[char], at: usize, expected: &str) -> Option<usize> {
    let rest = text.get(at..)?;
    let length = expected.len(); // the expected words are ASCII: one byte, one character
    (rest.len() >= length && expected.chars().zip(rest).all(|(a, b)| a == *b)).then_some(length)
}

/// Whether a word begins or ends at this place.
fn is_boundary(text: &[char], at: usize) -> bool {
    let before = at > 0 && is_word(text[at - 1]);
    let after = text.get(at).is_some_and(|c| is_word(*c));
    before != after
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_of_the_bank_is_stripped_and_the_payee_stays() {
        let expected = [
            ("SQ *COFFEE CORNER #42", "coffee corner"),
            ("POS PURCHASE TESCO STORES 3421 LONDON GB", "tesco london"),
            ("VISA DEBIT - AMZN Mktp UK*RT4G12", "amzn mktp"),
            ("PAYPAL *SPOTIFY UK", "spotify"),
            ("https://www.namecheap.com", "namecheap"),
            ("WWW.TRAINLINE.COM 08001234", "trainline"),
            ("Uber   *TRIP HELP.UBER.COM", "uber trip help uber"),
            ("UBER *EATS", "uber eats"),
            ("TST* The Golden Lion", "golden lion"),
            ("Zettle_*Bean & Gone", "bean & gone"),
            ("SumUp *Florist Van Dijk", "florist van dijk"),
            ("GOOGLE *GSUITE_studio", "gsuite studio"),
            (
                "CARD PURCHASE: Hetzner Online GmbH R0012345678",
                "hetzner online gmbh",
            ),
            ("Adobe Inc # 4029", "adobe"),
            ("Sainsbury's S/mkts 0042", "sainsburys s mkts"),
            ("Sainsbury’s Local 12", "sainsburys local"),
            ("Café Nero Ltd 17", "café nero"),
            (
                "Müller & Söhne GmbH Re-Nr. 2026/114",
                "müller & söhne gmbh re nr",
            ),
            ("THE CO LTD", "the co ltd"),
            ("The Payments Company", "the payments company"),
            ("B&Q 1234", "b&q"),
            ("H&M GBP 12.40", "h&m gbp"),
            ("POSTNL POSTZEGELS AMSTERDAM", "postnl postzegels amsterdam"),
            ("IZ *Bakery-7", "bakery"),
            ("RECURRING CARD VISA: NETFLIX.COM", "netflix"),
            ("booking.co.uk/ref-77x", "booking ref"),
            ("EasyJet K4X9TQ London", "easyjet london"),
            ("DHL EXPRESS 12-34/A- PARCEL", "dhl express parcel"),
            ("O2 UK PYMT 07700900123", "uk pymt"),
            ("Stripe *** Northwind Traders", "northwind traders"),
            ("Café d'Orsay #A-19 PARIS", "café dorsay paris"),
            ("FS *sketch", "sketch"),
            ("Ryanair FR1234 DUB-STN", "ryanair dub stn"),
            ("checkcard contactless Shell 0881 Utrecht", "shell utrecht"),
            (
                "invoice INV-2026-0042 Blue Harbour plc",
                "invoice inv blue harbour",
            ),
            ("amazon.ca amazon.com.au", "amazon amazon au"),
        ];
        for (description, key) in expected {
            assert_eq!(merchant_key(description), key, "{description}");
        }
    }

    #[test]
    fn a_payee_in_any_script_keeps_its_letters() {
        assert_eq!(merchant_key("МАГАЗИН 24 Москва"), "магазин москва");
        assert_eq!(merchant_key("Żabka Z4021 Łódź"), "żabka łódź");
        assert_eq!(merchant_key("Bäckerei Weiß 12"), "bäckerei weiß");
        assert_eq!(merchant_key("SumUp    *Florist"), "florist");
        assert_eq!(merchant_key("CAFE\u{301} 9"), merchant_key("caf\u{e9} 10"));
    }

    #[test]
    fn a_key_is_never_empty_for_a_description_that_says_something() {
        assert_eq!(merchant_key("PAYPAL *4029357733"), "paypal");
        assert_eq!(merchant_key("O2 07700"), "o2");
        assert_eq!(merchant_key("4029 3577"), "4029 3577");
        assert_eq!(merchant_key("VISA"), "visa");
        assert_eq!(merchant_key("*"), "*");
        assert_eq!(merchant_key("  "), "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_key_and_only_blank_text_an_empty_one(text in "\\PC{0,40}") {
            proptest::prop_assert_eq!(merchant_key(&text).is_empty(), text.trim().is_empty());
        }
    }
}
