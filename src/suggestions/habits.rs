//! How each merchant is filed, in the order in which people said so: a fold over the approvals of a tenant.
//!
//! Two kinds of keys are followed, the merchant on an account and the merchant alone. For each it is counted how often in
//! a row the same category was approved, and at every approval whether what the key stood for held, by [class](super::classes).
//! So the evidence for rules is there before there is any rule, and it is the same on every machine that read as far.

use std::collections::{HashMap, VecDeque};

use entity::rule_suggestion::Kind;
use entity::{AccountId, CategoryId};

use super::classes::{Class, Classes};

/// Confirmations in a row from which a merchant on an account is suggested.
const ENOUGH: u32 = 3;
/// Confirmations in a row from which a merchant alone is suggested: it reaches further.
const ENOUGH_ALONE: u32 = 8;
/// How many more it takes for each contradiction.
const FOR_A_CONTRADICTION: u32 = 2;
/// How many more it takes on one account where the merchant is filed elsewhere on others.
const FILED_ELSEWHERE: u32 = 2;
/// Confirmations in a row that make up for any contradiction.
pub const FORGIVEN: u32 = 100;
/// Confirmations in a row from which a rule may approve by itself.
const SURE: u32 = 5;
/// The latest approvals of a key that are remembered one by one.
pub const LATEST: usize = 20;
/// Keys that are followed for a tenant; those approved longest ago are forgotten first.
const MAX_KEYS: usize = 40_000;
/// Categories of a key that are counted apart.
const MAX_CATEGORIES: usize = 8;
/// The share of the latest approvals below which a rule is retired.
const HOLDS: f64 = 0.9;
/// Letters that a merchant must have: a shorter one is as likely a code.
const MIN_LETTERS: usize = 4;
/// Words that name a way to pay and nobody who was paid.
const WEAK: &[&str] = &[
    "account",
    "adjustment",
    "atm",
    "bank",
    "bill",
    "card",
    "cash",
    "charge",
    "charges",
    "cheque",
    "credit",
    "debit",
    "deposit",
    "direct",
    "fee",
    "fees",
    "from",
    "interest",
    "invoice",
    "internet",
    "mobile",
    "online",
    "order",
    "payment",
    "payments",
    "purchase",
    "ref",
    "reference",
    "refund",
    "sale",
    "sepa",
    "standing",
    "to",
    "transaction",
    "transfer",
    "withdrawal",
    "www",
];

/// What a rule goes by: a merchant, on one account or wherever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The merchant, normalised.
    pub merchant: String,
    /// The account; none for the merchant alone.
    pub account: Option<AccountId>,
}

/// How a key was filed until now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habit {
    /// What it was filed under last.
    pub category: CategoryId,
    /// How often in a row.
    pub in_a_row: u32,
    /// How often another category came after; forgotten after a long row.
    pub breaks: u32,
    /// Approvals altogether.
    pub seen: u32,
    latest: VecDeque<CategoryId>,
    counts: Vec<(CategoryId, u32)>,
    first_account: Option<AccountId>,
    several_accounts: bool,
    touched: u64,
}

/// The habits of a tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Habits {
    keys: HashMap<Key, Habit>,
    classes: Classes,
    clock: u64,
}

impl Key {
    /// The merchant on the account, and the merchant alone; the more particular one first. None where a rule would say
    /// nothing about who was paid.
    pub fn all(merchant: &str, account: Option<AccountId>) -> impl Iterator<Item = Self> + use<> {
        let on_account = account.map(Some);
        let accounts = on_account.into_iter().chain([None]);
        let strong = !is_weak(merchant);
        let merchant = merchant.to_owned();
        accounts.filter(move |_| strong).map(move |account| Self {
            merchant: merchant.clone(),
            account,
        })
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self.account {
            Some(_) => Kind::MerchantAccount,
            None => Kind::Merchant,
        }
    }
}

/// Whether a merchant is too little to go by.
fn is_weak(merchant: &str) -> bool {
    let strong = merchant
        .split_whitespace()
        .filter(|word| !WEAK.contains(word));
    let letters = strong
        .flat_map(str::chars)
        .filter(|c| c.is_alphabetic())
        .count();
    letters < MIN_LETTERS || merchant.chars().count() > crate::rules::validate::MAX_TEXT
}

impl Habit {
    fn new(category: CategoryId) -> Self {
        Self {
            category,
            in_a_row: 0,
            breaks: 0,
            seen: 0,
            latest: VecDeque::new(),
            counts: Vec::new(),
            first_account: None,
            several_accounts: false,
            touched: 0,
        }
    }

    /// Approvals of this category.
    pub fn support(&self, category: CategoryId) -> u32 {
        let found = self.counts.iter().find(|(known, _)| *known == category);
        found.map_or(0, |(_, count)| *count)
    }

    /// How often in a row this category was approved last.
    pub fn row_of(&self, category: CategoryId) -> u32 {
        match self.category == category {
            true => self.in_a_row,
            false => 0,
        }
    }

    /// Of the approvals after the first `seen`, as far as they are remembered: how many there are, and how many are of the
    /// category.
    pub fn since(&self, seen: u32, category: CategoryId) -> (u32, u32) {
        let new = usize::try_from(self.seen.saturating_sub(seen)).unwrap_or(LATEST);
        let latest = self.latest.iter().rev().take(new);
        let confirmed = latest.clone().filter(|it| **it == category).count();
        (latest.count() as u32, confirmed as u32)
    }

    fn approve(&mut self, account: Option<AccountId>, category: CategoryId, clock: u64) {
        match self.first_account {
            None => self.first_account = account,
            first => self.several_accounts |= account.is_some() && account != first,
        }
        if self.seen > 0 && self.category != category {
            self.breaks += 1;
            self.in_a_row = 0;
        }
        self.category = category;
        self.in_a_row += 1;
        self.seen += 1;
        self.touched = clock;
        if self.in_a_row >= FORGIVEN {
            self.breaks = 0;
        }
        match self.counts.iter_mut().find(|(known, _)| *known == category) {
            Some((_, count)) => *count += 1,
            None => {
                if self.counts.len() == MAX_CATEGORIES {
                    self.counts.remove(0);
                }
                self.counts.push((category, 1));
            }
        }
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back(category);
    }

    fn take_back(&mut self, category: CategoryId) {
        self.seen = self.seen.saturating_sub(1);
        if self.category == category && self.in_a_row > 0 {
            self.in_a_row -= 1;
        } else {
            self.breaks = self.breaks.saturating_sub(1);
        }
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| *known == category) {
            *count = count.saturating_sub(1);
        }
        if let Some(at) = self.latest.iter().rposition(|known| *known == category) {
            self.latest.remove(at);
        }
    }
}

impl Habits {
    /// A person approved a record of the merchant under the category.
    pub fn approve(&mut self, merchant: &str, account: Option<AccountId>, category: CategoryId) {
        self.clock += 1;
        for key in Key::all(merchant, account) {
            if let Some(habit) = self.keys.get(&key)
                && let Some(class) = class(&key, habit)
            {
                self.classes.add(class, habit.category == category);
            }
            let habit = self.keys.entry(key).or_insert_with(|| Habit::new(category));
            habit.approve(account, category, self.clock);
        }
        self.forget_the_oldest();
    }

    /// An approval was taken back. What a class saw of it stays counted.
    pub fn take_back(&mut self, merchant: &str, account: Option<AccountId>, category: CategoryId) {
        for key in Key::all(merchant, account) {
            let Some(habit) = self.keys.get_mut(&key) else {
                continue;
            };
            habit.take_back(category);
            if habit.seen == 0 {
                self.keys.remove(&key);
            }
        }
    }

    /// How a key was filed.
    pub fn get(&self, key: &Key) -> Option<&Habit> {
        self.keys.get(key)
    }

    /// How well keys hold, by class.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Whether a rule for the key is worth suggesting: it was confirmed often enough, the more often it was contradicted
    /// here or the merchant elsewhere, and such keys hold in these books.
    pub fn is_ready(&self, key: &Key) -> bool {
        let Some(habit) = self.keys.get(key) else {
            return false;
        };
        let Some(class) = class(key, habit) else {
            return false;
        };
        let least = match key.kind() {
            Kind::MerchantAccount => ENOUGH,
            Kind::Merchant => ENOUGH_ALONE,
        };
        let elsewhere = match self.is_filed_elsewhere(key, habit) {
            true => FILED_ELSEWHERE,
            false => 0,
        };
        habit.in_a_row >= least + FOR_A_CONTRADICTION * habit.breaks + elsewhere
            && self.classes.is_worth_suggesting(class)
    }

    /// Whether the merchant was contradicted more often on all accounts than on this one.
    fn is_filed_elsewhere(&self, key: &Key, habit: &Habit) -> bool {
        let alone = Key {
            merchant: key.merchant.clone(),
            account: None,
        };
        let alone = self.keys.get(&alone);
        key.account.is_some() && alone.is_some_and(|alone| alone.breaks > habit.breaks)
    }

    /// The class by which a rule for the key may approve by itself, once it has enough confirmations without a
    /// contradiction.
    pub fn clean_class(key: &Key, habit: &Habit) -> Option<Class> {
        let least = match key.kind() {
            Kind::MerchantAccount => SURE,
            Kind::Merchant => ENOUGH_ALONE,
        };
        class(key, habit).filter(|class| class.clean && habit.in_a_row >= least)
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let texts: usize = self.keys.keys().map(|key| key.merchant.len()).sum();
        let habit = size_of::<Key>() + size_of::<Habit>() + 8 * size_of::<CategoryId>();
        texts + self.keys.capacity() * habit
    }

    fn forget_the_oldest(&mut self) {
        if self.keys.len() <= MAX_KEYS {
            return;
        }
        let mut touched: Vec<u64> = self.keys.values().map(|habit| habit.touched).collect();
        touched.sort_unstable();
        let oldest = touched[touched.len() / 10];
        self.keys.retain(|_, habit| habit.touched > oldest);
    }
}

/// Whether what was approved since a rule was accepted speaks against it.
pub fn is_failing(checked: u32, confirmed: u32) -> bool {
    f64::from(confirmed) < HOLDS * f64::from(checked)
}

/// The class of a key; none while a rule for it is not to be thought of.
fn class(key: &Key, habit: &Habit) -> Option<Class> {
    let kind = key.kind();
    // a merchant alone says more than it does on its account only while nothing contradicts it anywhere
    if kind == Kind::Merchant && (habit.breaks > 0 || !habit.several_accounts) {
        return None;
    }
    Class::of(kind, habit.breaks == 0, habit.in_a_row)
}

#[cfg(test)]
mod tests;
