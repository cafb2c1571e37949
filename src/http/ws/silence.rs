//! A client that answers nothing: its connection may be long gone without anybody having said so.

use std::time::Duration;

use tokio::time::Instant;

/// How long a client has said nothing since it was asked something. Whatever it says ends it.
#[derive(Default)]
pub struct Silence(Option<Asked>);

struct Asked {
    /// When that has lasted too long.
    until: Instant,
    /// Whether it was asked a second time.
    again: bool,
}

impl Silence {
    /// The client was asked whether it is there. It has half of `patience` for each of two questions.
    pub fn begin(&mut self, patience: Duration) {
        let until = || Instant::now() + patience / 2;
        self.0.get_or_insert_with(|| Asked {
            until: until(),
            again: false,
        });
    }

    /// The client said something.
    pub fn end(&mut self) {
        self.0 = None;
    }

    /// When to ask again, or to give up.
    pub fn until(&self) -> Option<Instant> {
        self.0.as_ref().map(|asked| asked.until)
    }

    /// Whether there is a second question to ask, which begins with this.
    pub fn goes_on(&mut self, patience: Duration) -> bool {
        let Some(asked) = &mut self.0 else {
            return true;
        };
        asked.until = Instant::now() + patience / 2;
        !std::mem::replace(&mut asked.again, true)
    }
}
