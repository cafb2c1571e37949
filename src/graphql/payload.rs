//! Payloads of mutations: what was done, or what to put right.

/// Makes one payload type per line: an optional value, and errors a person can act on.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $(#[$about:meta])* $field:ident: $type:ty }),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        #[graphql(serial)]
        pub struct $name {
            $(#[$about])*
            pub $field: Option<$type>,
            /// What to put right; empty when it was done.
            #[graphql(name = "errors")]
            pub user_errors: Vec<$crate::graphql::error::UserError>,
        }

        impl $name {
            pub(in crate::graphql) fn of<T>(outcome: $crate::error::Result<T>) -> $crate::error::Result<Self>
            where
                $type: From<T>,
            {
                let (done, user_errors) = $crate::graphql::error::payload(outcome)?;
                Ok(Self { $field: done.map(Into::into), user_errors })
            }
        }
    )*};
}
pub(super) use payloads;
