//! Which currencies exist, and how many decimals each is quoted with.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Codes without decimals.
const ZERO: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";

/// Codes with two decimals. The last line holds what was withdrawn since 2020: books reach back.
const TWO: &str = "\
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP \
COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN \
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL \
THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG \
ANG BGN CUC HRK SLL ZWL";

/// Codes with three decimals.
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";

/// Codes with four decimals.
const FOUR: &str = "CLF UYW";

/// An ISO 4217 currency code that exists.
///
/// Metals, bond units, `XDR` and the codes for testing and "no currency" are left out: ISO 4217
/// gives them no minor unit and no bank account is kept in them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// Japanese yen.
    pub const JPY: Self = Self(*b"JPY");

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters are ever stored")
    }

    /// How many decimals amounts of this currency are written with at least.
    pub fn minor_digits(self) -> u32 {
        let code = self.as_str();
        [(0, ZERO), (3, THREE), (4, FOUR)]
            .into_iter()
            .find(|(_, codes)| listed(codes, code))
            .map_or(2, |(digits, _)| digits)
    }
}

/// Whether the blank-separated list holds the code.
fn listed(codes: &str, code: &str) -> bool {
    codes.split(' ').any(|known| known == code)
}

/// The text is not a currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a currency: accepted is an active ISO 4217 code such as EUR")]
pub struct UnknownCurrency(String);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    /// Reads a code in either case, blanks around it ignored.
    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let unknown = || UnknownCurrency(text.chars().take(20).collect());
        let code = text.trim().to_ascii_uppercase();
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| unknown())?;
        if !bytes.iter().all(u8::is_ascii_uppercase) {
            return Err(unknown());
        }
        let known = [TWO, ZERO, THREE, FOUR]
            .iter()
            .any(|codes| listed(codes, &code));
        if known {
            Ok(Self(bytes))
        } else {
            Err(unknown())
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_is_read_and_written_back() {
        let codes = [ZERO, TWO, THREE, FOUR]
            .map(|codes| codes.split(' ').collect::<Vec<_>>())
            .concat();
        let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        for code in codes {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(currency.as_str(), code);
            assert_eq!(code.to_lowercase().parse(), Ok(currency));
        }
    }

    #[test]
    fn the_minor_digits_are_those_of_iso_4217() {
        let digits = |code: &str| code.parse::<Currency>().unwrap().minor_digits();
        assert_eq!(
            [digits("JPY"), digits("EUR"), digits("KWD"), digits("CLF")],
            [0, 2, 3, 4]
        );
    }

    #[test]
    fn what_is_no_currency_is_refused_by_name() {
        for text in ["", "EU", "EURO", "XXX", "ZZZ", "€", "E R", "ééé"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
        let message = "Euro".parse::<Currency>().unwrap_err().to_string();
        assert_eq!(
            message,
            "'Euro' is not a currency: accepted is an active ISO 4217 code such as EUR"
        );
    }

    #[test]
    fn serde_writes_a_plain_string() {
        assert_eq!(serde_json::to_string(&Currency::EUR).unwrap(), "\"EUR\"");
        assert_eq!(
            serde_json::from_str::<Currency>("\"usd\"").unwrap(),
            Currency::USD
        );
        assert!(serde_json::from_str::<Currency>("\"nope\"").is_err());
    }
}
