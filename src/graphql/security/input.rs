//! What people say about their own account.

use async_graphql::InputObject;

/// A second factor, after a first one.
#[derive(InputObject)]
pub struct CompleteSignInInput {
    /// The token of the challenge.
    pub challenge: String,
    /// A code of the authenticator app; or else a recovery code.
    pub code: Option<String>,
    /// A recovery code; it is used up.
    pub recovery_code: Option<String>,
}

/// A new password, and the one before.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password before.
    pub current_password: String,
    /// A new password of at least 10 characters.
    pub new_password: String,
}

/// Somebody who forgot their password.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// Their address.
    pub email: String,
}

/// A new password for somebody who forgot theirs.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The token in the link.
    pub token: String,
    /// A new password of at least 10 characters.
    pub password: String,
}

/// A mailed link that was followed.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// The token in the link.
    pub token: String,
}

/// Another address.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// The address to take.
    pub email: String,
    /// The password.
    pub password: String,
}

/// An authenticator app to be set up.
#[derive(InputObject)]
pub struct EnrolTotpInput {
    /// The password.
    pub password: String,
}

/// The first code of an authenticator app.
#[derive(InputObject)]
pub struct ConfirmTotpInput {
    /// The code that the app shows.
    pub code: String,
}

/// Somebody who wants other recovery codes.
#[derive(InputObject)]
pub struct RenewRecoveryCodesInput {
    /// A code of the authenticator app.
    pub code: String,
}

/// Somebody who takes their authenticator app off; one of these is needed.
#[derive(InputObject)]
pub struct DisableTotpInput {
    /// The password.
    pub password: Option<String>,
    /// A code of the authenticator app.
    pub code: Option<String>,
    /// A recovery code; it is used up.
    pub recovery_code: Option<String>,
}
