//! A security key in software: what a browser and its authenticator would answer, and what a forger would.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Path;

/// Key pairs of P-256, as PKCS #8. They open nothing but what tests make.
pub const KEYS: [&str; 2] = [
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkUv/RQk+oyF/ORRQ5FbPk4AORJiivVXyuywGc9jIVsehRANCAATlZFEjXYsNz8PvYD2SymRWIQFiaOgHHTZQvnRKpjdUb+4RAxirnUwb3X53Jqc0RO5e+iQMZ0l1mQceRQtWYqSD",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgh7oAJIGSIOCTZ3NVN0QvSAhGrPXZvIvEK3u8x0ZQW82hRANCAATpHaR2K72wvSfUcgfi9W6dDHPML5PExWh5nyARMN1/IYDti644lkYfmxTmYNyRAUiOMxa3KJYvBMtNt1+WWm4R",
];

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_CREDENTIAL: u8 = 0x40;

/// An authenticator that holds one passkey, in the hands of someone on a page.
#[derive(Clone)]
pub struct Authenticator {
    /// The page that asks.
    pub origin: String,
    /// The site it believes to be on.
    pub site: String,
    /// What it calls its passkey.
    pub id: Vec<u8>,
    /// Which of the key pairs it signs with.
    pub key: usize,
    /// How often it has signed.
    pub count: u32,
    /// Whether it checks who holds it.
    pub verifies: bool,
    /// What it says the answer is for, instead of the truth.
    pub says: Option<&'static str>,
    /// Whose passkey it holds, once it was told.
    pub holder: String,
}

impl Authenticator {
    /// One with a new passkey of this number, on the page of the test's server.
    pub fn new(number: u8) -> Self {
        Self {
            origin: "http://localhost:4000".to_owned(),
            site: "localhost".to_owned(),
            id: vec![number; 32],
            key: 0,
            count: 0,
            verifies: true,
            says: None,
            holder: String::new(),
        }
    }

    /// Makes the passkey; what `toJSON()` of the browser would answer.
    pub fn create(&mut self, options: &Value) -> Value {
        self.holder = options.text("user.id");
        let (x, y) = public_key(self.key);
        let length = u16::try_from(self.id.len()).expect("it is short");
        // a map of five: kty EC2, alg ES256, crv P-256, x, y
        let cose = [
            &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..],
            &x,
            &[0x22, 0x58, 32],
            &y,
        ]
        .concat();
        let mut data = self.data(WITH_CREDENTIAL);
        data.extend([0; 16]);
        data.extend(length.to_be_bytes());
        data.extend(&self.id);
        data.extend(cose);
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        attestation.extend(
            u16::try_from(data.len())
                .expect("it is short")
                .to_be_bytes(),
        );
        attestation.extend(data);
        json!({
            "id": BASE64.encode(&self.id), "rawId": BASE64.encode(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "attestationObject": BASE64.encode(attestation),
                "clientDataJSON": BASE64.encode(self.client_data("webauthn.create", options)),
                "transports": ["internal", "hybrid", "smart-card"],
            },
        })
    }

    /// Signs with the passkey; what `toJSON()` of the browser would answer.
    pub fn get(&mut self, options: &Value) -> Value {
        let data = self.data(0);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        json!({
            "id": BASE64.encode(&self.id), "rawId": BASE64.encode(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "authenticatorData": BASE64.encode(data),
                "clientDataJSON": BASE64.encode(client_data),
                "signature": BASE64.encode(sign(self.key, &signed)),
                "userHandle": self.holder,
            },
        })
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(&self.site).to_vec();
        data.push(PRESENT | verified | more);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn client_data(&self, what: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": self.says.unwrap_or(what), "challenge": options["challenge"],
            "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }
}

/// A key pair, for what signs tokens.
pub fn key(number: usize) -> EncodingKey {
    EncodingKey::from_ec_der(&der(number))
}

/// The public half: its two coordinates.
pub fn public_key(number: usize) -> ([u8; 32], [u8; 32]) {
    let der = der(number);
    // PKCS #8 as made here ends with the uncompressed point
    let point = der.last_chunk::<64>().expect("it is longer");
    let half = |from: usize| point[from..from + 32].try_into().expect("it is half");
    (half(0), half(32))
}

fn der(number: usize) -> Vec<u8> {
    BASE64_STANDARD.decode(KEYS[number]).expect("it is base64")
}

/// ECDSA over SHA-256, in the DER that WebAuthn wants.
fn sign(number: usize, message: &[u8]) -> Vec<u8> {
    let signature = crypto::sign(message, &key(number), Algorithm::ES256).expect("it signs");
    let signature = BASE64.decode(signature).expect("it is base64");
    let whole: Vec<u8> = signature.chunks(32).flat_map(integer).collect();
    let length = u8::try_from(whole.len()).expect("it is short");
    [&[0x30, length][..], &whole].concat()
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros.min(31)..];
    // a first bit that is set would mean a negative number
    let sign = if bytes[0] >= 0x80 { &[0][..] } else { &[] };
    let length = u8::try_from(sign.len() + bytes.len()).expect("it is short");
    [&[0x02, length][..], sign, bytes].concat()
}
