//! A model as bytes and back, to the last bit.
//!
//! Little endian, sections in a fixed order, maps sorted by key: equal models have equal bytes. The last eight bytes
//! are a hash of the others. What does not read well is treated as absent, for a model can always be learnt again.

use std::collections::{BTreeMap, VecDeque};

use super::calibration::Share;
use super::features::{Past, key};
use super::lessons::{Lesson, Lessons};
use super::mixture::Mixture;
use super::weights::Weight;
use super::{Model, backoff::Backoff, calibration::Calibration, weights::Weights};
use crate::processing::counts::Counts;
use crate::processing::trades::Trades;

/// The version of the format and of what was learnt; a change to any feature or constant of the model raises it.
pub const FORMAT: i32 = 5;

/// A category as bytes.
pub trait Name: Copy + Ord {
    /// Its sixteen bytes.
    fn to_bytes(self) -> [u8; 16];
    /// The category of these bytes.
    fn from_bytes(bytes: [u8; 16]) -> Self;
}

impl<C: Name> Model<C> {
    /// The model as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer(Vec::with_capacity(self.bytes()));
        to.raw(&self.learnt.to_le_bytes());
        to.count(self.classes.len());
        for (class, count) in self.classes.iter().zip(&self.counts) {
            to.raw(&class.to_bytes());
            to.raw(&count.to_le_bytes());
        }
        let Calibration {
            curve,
            squares,
            all,
            classes,
            accounts,
        } = &self.calibration;
        for number in curve.iter().chain(squares) {
            to.raw(&number.to_le_bytes());
        }
        to.share(all);
        to.count(classes.len());
        classes.iter().for_each(|share| to.share(share));
        to.count(accounts.len());
        for (account, share) in accounts {
            to.raw(&account.to_le_bytes());
            to.share(share);
        }
        for number in self.mixture.weights.iter().chain(&self.mixture.squares) {
            to.raw(&number.to_le_bytes());
        }
        let rows = self.weights.rows();
        to.count(rows.len());
        for (at, row) in rows {
            to.raw(&at.to_le_bytes());
            to.count(row.len());
            for weight in row {
                to.raw(&weight.class.to_le_bytes());
                to.raw(&weight.weight.to_le_bytes());
                to.raw(&weight.square.to_le_bytes());
            }
        }
        let views = self.backoff.views();
        to.count(views.len());
        for (view, counts) in views {
            to.raw(&view.to_le_bytes());
            to.count(counts.iter().count());
            for (class, n) in counts.iter() {
                to.raw(&class.to_le_bytes());
                to.raw(&n.to_le_bytes());
            }
        }
        to.count(self.lessons.iter().len());
        for lesson in self.lessons.iter() {
            to.text(&lesson.text);
            to.text(&lesson.merchant);
            to.trades(lesson.trades);
            to.raw(&lesson.account.to_le_bytes());
            to.raw(&lesson.amount.to_le_bytes());
            to.pair(lesson.past.before);
            to.raw(&[lesson.past.familiarity]);
            to.raw(&lesson.class.to_le_bytes());
        }
        to.count(self.lessons.accounts().len());
        for (account, last) in self.lessons.accounts() {
            to.raw(&account.to_le_bytes());
            to.pair(*last);
        }
        let sum = key(0, &[&to.0]);
        to.raw(&sum.to_le_bytes());
        to.0
    }

    /// The model of these bytes; none when they are damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (bytes, sum) = bytes.split_last_chunk::<8>()?;
        if u64::from_le_bytes(*sum) != key(0, &[bytes]) {
            return None;
        }
        let mut from = Reader(bytes);
        let mut model = Self {
            learnt: u64::from_le_bytes(from.raw()?),
            ..Self::default()
        };
        for _ in 0..from.count()? {
            model.classes.push(C::from_bytes(from.raw()?));
            model.counts.push(u32::from_le_bytes(from.raw()?));
        }
        model.calibration = Calibration {
            curve: [from.real()?, from.real()?],
            squares: [from.real()?, from.real()?],
            all: from.share()?,
            classes: Vec::new(),
            accounts: BTreeMap::new(),
        };
        for _ in 0..from.count()? {
            model.calibration.classes.push(from.share()?);
        }
        for _ in 0..from.count()? {
            let account = u128::from_le_bytes(from.raw()?);
            let share = from.share()?;
            model.calibration.accounts.insert(account, share);
        }
        let Mixture { weights, squares } = &mut model.mixture;
        for number in weights.iter_mut().chain(squares) {
            *number = from.real()?;
        }
        let mut weights = Weights::default();
        for _ in 0..from.count()? {
            let at = u32::from_le_bytes(from.raw()?);
            let width = from.count()?;
            let mut row = Vec::with_capacity(width.min(bytes.len()));
            for _ in 0..width {
                let class = u16::from_le_bytes(from.raw()?);
                row.push(Weight {
                    class,
                    weight: from.real()?,
                    square: from.real()?,
                });
            }
            weights.restore(at, row);
        }
        model.weights = weights;
        let mut backoff = Backoff::default();
        for _ in 0..from.count()? {
            let view = u64::from_le_bytes(from.raw()?);
            let mut counts = Vec::new();
            for _ in 0..from.count()? {
                counts.push((
                    u16::from_le_bytes(from.raw()?),
                    u32::from_le_bytes(from.raw()?),
                ));
            }
            backoff.restore(view, Counts::of(counts));
        }
        model.backoff = backoff;
        let mut kept = VecDeque::new();
        for _ in 0..from.count()? {
            kept.push_back(Lesson {
                text: from.text()?,
                merchant: from.text()?,
                trades: from.trades()?,
                account: u128::from_le_bytes(from.raw()?),
                amount: i64::from_le_bytes(from.raw()?),
                past: Past {
                    before: from.pair()?,
                    familiarity: u8::from_le_bytes(from.raw()?),
                },
                class: u16::from_le_bytes(from.raw()?),
            });
        }
        let mut accounts = BTreeMap::new();
        for _ in 0..from.count()? {
            accounts.insert(u128::from_le_bytes(from.raw()?), from.pair()?);
        }
        model.lessons = Lessons::restore(kept, accounts);
        from.0.is_empty().then_some(model)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).expect("everything that is kept is bounded far below");
        self.raw(&count.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    fn share(&mut self, share: &Share) {
        self.raw(&share.right.to_le_bytes());
        self.raw(&share.wrong.to_le_bytes());
    }

    fn trades(&mut self, trades: Trades) {
        let many = trades.iter().count();
        self.raw(&[u8::try_from(many).expect("there are few")]);
        trades
            .iter()
            .for_each(|(trade, times)| self.raw(&[trade, times]));
    }

    fn pair(&mut self, pair: [u16; 2]) {
        pair.iter().for_each(|n| self.raw(&n.to_le_bytes()));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn raw<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (raw, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*raw)
    }

    fn real(&mut self) -> Option<f32> {
        self.raw().map(f32::from_le_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.raw()?)).ok()
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(Into::into)
    }

    fn share(&mut self) -> Option<Share> {
        Some(Share {
            right: self.real()?,
            wrong: self.real()?,
        })
    }

    fn trades(&mut self) -> Option<Trades> {
        let [many] = self.raw()?;
        let told: Option<Vec<_>> = (0..many)
            .map(|_| self.raw().map(<(u8, u8)>::from))
            .collect();
        told.map(Trades::told)
    }

    fn pair(&mut self) -> Option<[u16; 2]> {
        Some([
            u16::from_le_bytes(self.raw()?),
            u16::from_le_bytes(self.raw()?),
        ])
    }
}
