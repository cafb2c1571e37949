//! What people are told about their own account.

use async_graphql::{Enum, SimpleObject};
use entity::sign_in_attempt as attempt;

use crate::graphql::identity::Session;
use crate::graphql::payload::payloads;
use crate::identity;

payloads! {
    /// A sign-in that is complete.
    CompleteSignInPayload {
        /// Their way in.
        session: Session
    },
    /// A password that was changed.
    ChangePasswordPayload {
        /// Whether it was.
        changed: bool
    },
    /// A link that was asked for.
    RequestPasswordResetPayload {
        /// Whether it was asked for; not whether somebody has the address.
        requested: bool
    },
    /// A password that was set anew.
    ResetPasswordPayload {
        /// Whether it was.
        reset: bool
    },
    /// A link that was asked for.
    RequestEmailVerificationPayload {
        /// Whether it was. A second link within a minute is not mailed.
        requested: bool
    },
    /// An address that was proved.
    VerifyEmailPayload {
        /// Whether it was.
        verified: bool
    },
    /// An address that waits to be proved.
    ChangeEmailPayload {
        /// Whether a link was asked for. A second link within a minute is not mailed.
        requested: bool
    },
    /// An authenticator app to be set up.
    EnrolTotpPayload {
        /// What the app needs to know.
        enrolment: TotpEnrolment
    },
    /// An authenticator app that is in use.
    ConfirmTotpPayload {
        /// Codes for the day the app is gone, each good once. They are told once.
        recovery_codes: Vec<String>
    },
    /// Recovery codes that were replaced.
    RenewRecoveryCodesPayload {
        /// The new ones, each good once. They are told once.
        recovery_codes: Vec<String>
    },
    /// An authenticator app that is out of use.
    DisableTotpPayload {
        /// Whether it is.
        disabled: bool
    },
}

/// What an authenticator app needs to know. It is told once.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TotpEnrolment {
    /// To be typed.
    pub secret: String,
    /// To be scanned: an `otpauth:` address.
    pub uri: String,
}

impl From<identity::Enrolment> for TotpEnrolment {
    fn from(enrolment: identity::Enrolment) -> Self {
        Self {
            secret: enrolment.secret,
            uri: enrolment.uri,
        }
    }
}

/// What somebody shows to prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "attempt::Factor")]
pub enum SignInFactor {
    /// Their password.
    Password,
    /// A code of their authenticator app.
    Totp,
    /// One of their recovery codes.
    RecoveryCode,
    /// A passkey.
    Passkey,
    /// The word of an identity provider.
    Provider,
}

/// What came of an attempt to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "attempt::Outcome")]
pub enum SignInOutcome {
    /// They were let in.
    SignedIn,
    /// It was right, and a second factor was asked for.
    SecondFactorAsked,
    /// It was wrong.
    Refused,
}
