//! The trace a request belongs to (W3C Trace Context): read from what a gateway sends, told in every log line of the
//! request, and sent along with the calls it makes.

use std::sync::Arc;

tokio::task_local! {
    static CURRENT: Arc<Trace>;
}

/// The header that names a trace.
pub const TRACEPARENT: &str = "traceparent";
/// The header in which others keep what they know about it.
pub const TRACESTATE: &str = "tracestate";
/// The longest `tracestate` that is passed on.
const STATE_MAX_BYTES: usize = 512;

/// A trace, and the step of it that called us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The whole of it: 32 hexadecimal digits.
    pub id: String,
    /// Whether somebody records it.
    flags: String,
    state: Option<String>,
}

impl Trace {
    /// The trace that a `traceparent` names; none if it is not one.
    pub fn read(parent: &str, state: Option<&str>) -> Option<Self> {
        let mut parts = parent.trim().split('-');
        let (version, id) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        let later = version != "00";
        let fits = is_hex(version, 2)
            && version != "ff"
            && is_hex(id, 32)
            && is_hex(span, 16)
            && is_hex(flags, 2)
            && (later || parts.next().is_none());
        let named = [id, span]
            .iter()
            .all(|name| name.bytes().any(|b| b != b'0'));
        let state = state.filter(|state| !state.is_empty() && state.len() <= STATE_MAX_BYTES);
        (fits && named).then(|| Self {
            id: id.to_owned(),
            flags: flags.to_owned(),
            state: state.map(str::to_owned),
        })
    }

    /// Does the work of a request that belongs to it.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(Arc::new(self), work).await
    }

    /// What a call that is made now is sent along with; nothing outside a trace.
    pub fn outgoing() -> Vec<(&'static str, String)> {
        let Ok(trace) = CURRENT.try_with(Arc::clone) else {
            return Vec::new();
        };
        let step = rand::random_range(1..=u64::MAX);
        let parent = format!("00-{}-{step:016x}-{}", trace.id, trace.flags);
        let state = trace.state.clone().map(|state| (TRACESTATE, state));
        [(TRACEPARENT, parent)].into_iter().chain(state).collect()
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == length && text.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_what_is_a_trace_is_believed() {
        let id = |parent: &str| Trace::read(parent, None).map(|trace| trace.id);
        assert_eq!(
            id(PARENT).as_deref(),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        // a later version may say more
        assert!(id(&format!("cc{}-what-comes", &PARENT[2..])).is_some());
        for wrong in [
            "",
            "00",
            &format!("{PARENT}-more"),
            &PARENT.to_uppercase(),
            &PARENT.replace("00-", "ff-"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-<script>-b7ad6b7169203331-01",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_call_goes_on_as_another_step_of_the_same_trace() {
        assert_eq!(Trace::outgoing(), []);
        let trace = Trace::read(PARENT, Some("vendor=1")).unwrap();
        let sent = trace.scope(async { Trace::outgoing() }).await;
        assert_eq!(sent[1], (TRACESTATE, "vendor=1".to_owned()));
        let onward = Trace::read(&sent[0].1, None).unwrap();
        assert_eq!(
            (onward.id.as_str(), onward.flags.as_str()),
            (&PARENT[3..35], "01")
        );
        assert_ne!(sent[0].1, PARENT);
    }
}
