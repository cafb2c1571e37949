//! Who the demo studio pays, and who pays it.

/// The studio's euro account.
pub const EUR_ACCOUNT: &str = "NL91ABNA0417164300";
/// The account for clients in Britain.
pub const GBP_ACCOUNT: &str = "GB29NWBK60161331926819";
/// The card of the design team, billed in euros.
pub const TEAM_CARD: &str = "card-3307";
/// The card of the founder, used when travelling.
pub const TRAVEL_CARD: &str = "card-8841";

/// How often money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// Every month, on about this day.
    Monthly(u32),
    /// Every third month, on about this day.
    Quarterly(u32),
    /// Every week, this many days after Monday.
    Weekly(u32),
    /// Now and then; the weight against the others.
    Often(u32),
}

/// Somebody money moves to or from, and how the bank writes it.
#[derive(Debug, Clone, Copy)]
pub struct Payee {
    /// Ways the bank writes it. `{n}` is a digit, `{x}` a letter or digit, `{city}` a place, `{month}` the month.
    pub descriptions: &'static [&'static str],
    /// Name of the right category in the default chart.
    pub category: &'static str,
    /// The account or card it moves on.
    pub account: &'static str,
    /// Currency.
    pub currency: &'static str,
    /// How often.
    pub cadence: Cadence,
    /// The least and the most, in minor units; money in is positive. Equal for a fixed price.
    pub cents: (i64, i64),
}

use Cadence::{Monthly, Often, Quarterly, Weekly};

const fn payee(
    descriptions: &'static [&'static str],
    category: &'static str,
    account: &'static str,
    currency: &'static str,
    cadence: Cadence,
    cents: (i64, i64),
) -> Payee {
    Payee {
        descriptions,
        category,
        account,
        currency,
        cadence,
        cents,
    }
}

const SOFTWARE: &str = "Software and Subscriptions";
const HOSTING: &str = "Hosting and Domains";
const MEALS: &str = "Staff Meals and Welfare";
const PHONE: &str = "Telephone and Internet";

/// Everybody, in no order that matters.
#[rustfmt::skip] // a table reads as a table
pub static PAYEES: &[Payee] = &[
    // clients
    payee(&["SEPA CREDIT BLUE HARBOUR BREWING BV INV-{n}{n}{n}{n}", "BLUE HARBOUR BREWING BV /REMI/INV {n}{n}{n}{n}"], "Client Fees", EUR_ACCOUNT, "EUR", Monthly(12), (420_000, 780_000)),
    payee(&["SEPA CREDIT MUSEUM AAN DE KADE STICHTING FACT {n}{n}{n}{n}"], "Client Fees", EUR_ACCOUNT, "EUR", Monthly(19), (260_000, 540_000)),
    payee(&["SEPA CREDIT LINDEN & ROOS ARCHITECTEN INV-{n}{n}{n}{n}"], "Client Fees", EUR_ACCOUNT, "EUR", Monthly(26), (310_000, 650_000)),
    payee(&["SEPA CREDIT KAFFEERÖSTEREI NORDLICHT GMBH RE {n}{n}{n}{n}"], "Client Fees", EUR_ACCOUNT, "EUR", Quarterly(8), (550_000, 910_000)),
    payee(&["FASTER PAYMENT FROM HOLLOWAY THEATRE LTD REF INV{n}{n}{n}{n}"], "Client Fees", GBP_ACCOUNT, "GBP", Monthly(15), (240_000, 480_000)),
    payee(&["BACS CREDIT FERN & FOX PUBLISHING PLC {n}{n}{n}{n}{n}{n}"], "Client Fees", GBP_ACCOUNT, "GBP", Monthly(22), (180_000, 420_000)),
    payee(&["STRIPE PAYOUT {x}{x}{x}{x}{x}{x}"], "Product Sales", EUR_ACCOUNT, "EUR", Weekly(1), (9_000, 46_000)),
    payee(&["STRIPE FEES {month}"], "Payment Processing Fees", EUR_ACCOUNT, "EUR", Monthly(3), (-6_900, -2_100)),
    payee(&["INTEREST RECEIVED {month}"], "Interest Received", EUR_ACCOUNT, "EUR", Quarterly(30), (410, 1_260)),
    // people
    payee(&["SEPA SALARY {month} J. DE WIT"], "Salaries", EUR_ACCOUNT, "EUR", Monthly(25), (-318_000, -318_000)),
    payee(&["SEPA SALARY {month} M. OKAFOR"], "Salaries", EUR_ACCOUNT, "EUR", Monthly(25), (-284_500, -284_500)),
    payee(&["SALARY {month} H. PRICE"], "Salaries", GBP_ACCOUNT, "GBP", Monthly(25), (-241_000, -241_000)),
    payee(&["PENSIOENFONDS KUNST EN VORM PREMIE {month}"], "Pensions", EUR_ACCOUNT, "EUR", Monthly(27), (-61_240, -61_240)),
    payee(&["BELASTINGDIENST LOONHEFFING {n}{n}{n}{n}{n}{n}{n}{n}"], "Payroll Taxes", EUR_ACCOUNT, "EUR", Monthly(28), (-214_000, -198_000)),
    payee(&["BELASTINGDIENST BTW {n}{n}{n}{n}{n}{n}{n}{n}"], "VAT", EUR_ACCOUNT, "EUR", Quarterly(29), (-1_120_000, -640_000)),
    payee(&["BELASTINGDIENST VPB VOORLOPIG {n}{n}{n}{n}{n}{n}"], "Corporation Tax", EUR_ACCOUNT, "EUR", Quarterly(14), (-280_000, -280_000)),
    payee(&["SEPA TRANSFER A. MORETTI ILLUSTRATIE FACT {n}{n}", "A. MORETTI ILLUSTRATIE INV {n}{n}"], "Freelancers", EUR_ACCOUNT, "EUR", Monthly(17), (-145_000, -60_000)),
    payee(&["PAYMENT TO R SINGH PHOTOGRAPHY INV{n}{n}{n}"], "Freelancers", GBP_ACCOUNT, "GBP", Often(4), (-95_000, -32_000)),
    // premises and running costs
    payee(&["SEPA DD PAKHUIS NOORD VASTGOED HUUR {month}"], "Rent", EUR_ACCOUNT, "EUR", Monthly(1), (-189_000, -189_000)),
    payee(&["VANDEBRON ENERGIE TERMIJN {month}"], "Energy and Water", EUR_ACCOUNT, "EUR", Monthly(5), (-21_400, -21_400)),
    payee(&["WATERNET {n}{n}{n}{n}{n}{n}{n}"], "Energy and Water", EUR_ACCOUNT, "EUR", Quarterly(11), (-7_950, -6_200)),
    payee(&["SCHOON & ZN KANTOORREINIGING FACT {n}{n}{n}{n}"], "Cleaning and Repairs", EUR_ACCOUNT, "EUR", Monthly(10), (-24_200, -24_200)),
    payee(&["KPN ZAKELIJK {n}{n}{n}{n}{n}{n}{n}{n}"], PHONE, EUR_ACCOUNT, "EUR", Monthly(7), (-8_450, -8_450)),
    payee(&["O2 UK PYMT 07700{n}{n}{n}{n}{n}{n}"], PHONE, GBP_ACCOUNT, "GBP", Monthly(9), (-2_400, -2_400)),
    payee(&["HISCOX NEDERLAND POLIS {n}{n}{n}{n}{n}{n}"], "Insurance", EUR_ACCOUNT, "EUR", Monthly(2), (-11_875, -11_875)),
    payee(&["DE BOER ADMINISTRATIE BV INV {n}{n}{n}{n}"], "Accounting and Legal", EUR_ACCOUNT, "EUR", Monthly(20), (-32_500, -32_500)),
    payee(&["NOTARISKANTOOR VAN LOON DOSSIER {n}{n}{n}{n}"], "Accounting and Legal", EUR_ACCOUNT, "EUR", Often(1), (-98_000, -45_000)),
    payee(&["ACCOUNT FEE {month}", "KOSTEN ZAKELIJKE REKENING {month}"], "Bank Charges", EUR_ACCOUNT, "EUR", Monthly(31), (-1_495, -1_495)),
    payee(&["MONTHLY ACCOUNT CHARGE"], "Bank Charges", GBP_ACCOUNT, "GBP", Monthly(30), (-800, -800)),
    payee(&["NON-STERLING TRANSACTION FEE"], "Bank Charges", GBP_ACCOUNT, "GBP", Often(4), (-420, -60)),
    payee(&["QREDITS LENING RENTE {month}"], "Interest Paid", EUR_ACCOUNT, "EUR", Monthly(6), (-9_400, -8_100)),
    payee(&["QREDITS LENING AFLOSSING {month}"], "Loans", EUR_ACCOUNT, "EUR", Monthly(6), (-41_600, -41_600)),
    payee(&["PRINTLAB {city} ORDER {n}{n}{n}{n}{n}"], "Printing and Production", EUR_ACCOUNT, "EUR", Often(8), (-74_000, -9_500)),
    // software on the team card
    payee(&["ADOBE *CREATIVE CLOUD", "ADOBE INC # {n}{n}{n}{n}"], SOFTWARE, TEAM_CARD, "EUR", Monthly(4), (-19_837, -19_837)),
    payee(&["FIGMA.COM MONTHLY {n}{n}{n}{n}{n}"], SOFTWARE, TEAM_CARD, "USD", Monthly(11), (-9_000, -9_000)),
    payee(&["SLACK {x}{x}{x}{x}{x}{x}{x}"], SOFTWARE, TEAM_CARD, "USD", Monthly(13), (-5_250, -4_375)),
    payee(&["GOOGLE *GSUITE_studio"], SOFTWARE, TEAM_CARD, "EUR", Monthly(2), (-6_900, -6_900)),
    payee(&["PADDLE.NET* IA WRITER", "PADDLE.NET* SKETCH"], SOFTWARE, TEAM_CARD, "USD", Often(3), (-12_000, -2_999)),
    payee(&["MONOTYPE FONTS ORDER {n}{n}{n}{n}{n}{n}"], SOFTWARE, TEAM_CARD, "USD", Often(3), (-24_900, -4_900)),
    payee(&["HETZNER ONLINE GMBH R00{n}{n}{n}{n}{n}{n}{n}{n}"], HOSTING, TEAM_CARD, "EUR", Monthly(8), (-5_890, -4_310)),
    payee(&["TRANSIP BV {n}{n}{n}{n}{n}{n}", "NAMECHEAP.COM* {x}{x}{x}{x}{x}{x}"], HOSTING, TEAM_CARD, "EUR", Often(4), (-4_800, -1_089)),
    payee(&["FACEBK *{x}{x}{x}{x}{x}{x}{x}{x}", "LINKEDIN ADS {n}{n}{n}{n}{n}{n}{n}"], "Advertising", TEAM_CARD, "EUR", Often(10), (-18_000, -2_500)),
    // the studio's daily life
    payee(&["SQ *COFFEE CORNER #{n}{n}", "POS COFFEE CORNER {n}{n} {city}"], MEALS, TEAM_CARD, "EUR", Often(34), (-1_890, -340)),
    payee(&["ALBERT HEIJN {n}{n}{n}{n} {city}", "AH TO GO {n}{n}{n}{n} {city}"], MEALS, TEAM_CARD, "EUR", Often(26), (-4_650, -480)),
    payee(&["ZETTLE_*BEAN & GONE", "IZ *BEAN & GONE"], MEALS, TEAM_CARD, "EUR", Often(14), (-1_450, -290)),
    payee(&["THUISBEZORGD.NL {x}{x}{x}{x}{x}{x}"], MEALS, TEAM_CARD, "EUR", Weekly(4), (-7_900, -3_200)),
    payee(&["AMZN Mktp DE*{x}{x}{n}{x}{x}{n}", "AMAZON.DE*{x}{x}{n}{x}{x}"], "Office Supplies", TEAM_CARD, "EUR", Often(14), (-8_900, -790)),
    payee(&["HEMA {n}{n}{n}{n} {city}", "POS PURCHASE HEMA {n}{n}{n}{n} {city}"], "Office Supplies", TEAM_CARD, "EUR", Often(9), (-3_900, -325)),
    payee(&["VAN BEEK ART SUPPLIES {city}"], "Office Supplies", TEAM_CARD, "EUR", Often(7), (-11_200, -1_150)),
    payee(&["POSTNL PAKKETTEN {n}{n}{n}{n}{n}", "POSTNL POSTZEGELS {city}"], "Postage and Couriers", TEAM_CARD, "EUR", Often(10), (-2_650, -420)),
    payee(&["DHL EXPRESS {n}{n}{n}{n}{n}{n}{n}{n}{n}{n}"], "Postage and Couriers", TEAM_CARD, "EUR", Often(5), (-7_400, -1_890)),
    payee(&["COOLBLUE BV {n}{n}{n}{n}{n}{n}{n}{n}"], "Computer Hardware", TEAM_CARD, "EUR", Often(5), (-129_900, -2_999)),
    payee(&["DOMESTIKA.ORG {x}{x}{x}{x}{x}", "DESIGN ACADEMY WORKSHOP {n}{n}{n}"], "Training", TEAM_CARD, "EUR", Often(3), (-19_500, -1_490)),
    // on the road
    payee(&["NS GROEP IZ NS REIZIGERS {city}", "NS-{city} {n}{n}{n}{n}{n}{n}"], "Travel", TRAVEL_CARD, "EUR", Often(20), (-5_480, -460)),
    payee(&["UBER *TRIP HELP.UBER.COM", "UBER   *TRIP {x}{x}{x}{x}{x}"], "Travel", TRAVEL_CARD, "EUR", Often(14), (-3_890, -780)),
    payee(&["UBER *EATS HELP.UBER.COM"], "Meals with Clients", TRAVEL_CARD, "EUR", Often(5), (-5_800, -1_900)),
    payee(&["TRAINLINE.COM {n}{n}{n}{n}{n}{n}{n}{n}{n}"], "Travel", TRAVEL_CARD, "GBP", Often(9), (-14_800, -1_240)),
    payee(&["EASYJET  {x}{x}{x}{x}{x}{x}{x}", "KLM {n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}"], "Travel", TRAVEL_CARD, "EUR", Often(6), (-34_000, -5_600)),
    payee(&["TFL TRAVEL CH"], "Travel", TRAVEL_CARD, "GBP", Often(8), (-890, -280)),
    payee(&["HOTEL AT BOOKING.COM {n}{n}{n}{n}{n}{n}{n}", "PREMIER INN {n}{n}{n}{n} LONDON"], "Hotels", TRAVEL_CARD, "GBP", Often(6), (-28_900, -7_200)),
    payee(&["TST* THE GOLDEN LION", "SUMUP *CAFE DU MIDI", "TST* NOODLE HOUSE {n}{n}"], "Meals with Clients", TRAVEL_CARD, "GBP", Often(11), (-12_600, -1_850)),
    payee(&["RESTAURANT DE KAS {city}", "SUMUP  *BISTRO LENTE"], "Meals with Clients", TRAVEL_CARD, "EUR", Often(9), (-16_400, -3_400)),
    payee(&["AMZN Mktp DE*{x}{x}{n}{x}{x}{n}"], "Computer Hardware", TRAVEL_CARD, "EUR", Often(5), (-21_900, -1_990)),
    payee(&["APPLE STORE R{n}{n}{n} {city}", "APPLE.COM/NL {n}{n}{n}{n}"], "Computer Hardware", TRAVEL_CARD, "EUR", Often(2), (-189_900, -4_500)),
    payee(&["NYTIMES*NYTIMES DISC"], SOFTWARE, TRAVEL_CARD, "USD", Monthly(21), (-2_500, -2_500)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::categories::chart;

    #[test]
    fn every_payee_belongs_to_a_leaf_of_the_default_chart() {
        for payee in PAYEES {
            assert!(
                chart::leaves().any(|leaf| leaf.name == payee.category),
                "{}",
                payee.category
            );
            assert!(
                payee.cents.0 <= payee.cents.1 && payee.cents.0.signum() == payee.cents.1.signum()
            );
            assert!(!payee.descriptions.is_empty());
        }
    }
}
