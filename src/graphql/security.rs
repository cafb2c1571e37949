//! What protects a person's account: password, address, second factor, and the history of sign-ins.

mod input;
mod payload;

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::sign_in_attempt as attempt;
pub use input::{
    ChangeEmailInput, ChangePasswordInput, CompleteSignInInput, ConfirmTotpInput, DisableTotpInput,
    EnrolTotpInput, RenewRecoveryCodesInput, RequestPasswordResetInput, ResetPasswordInput,
    VerifyEmailInput,
};
pub use payload::{
    ChangeEmailPayload, ChangePasswordPayload, CompleteSignInPayload, ConfirmTotpPayload,
    DisableTotpPayload, EnrolTotpPayload, RenewRecoveryCodesPayload,
    RequestEmailVerificationPayload, RequestPasswordResetPayload, ResetPasswordPayload,
    SignInFactor, SignInOutcome, TotpEnrolment, VerifyEmailPayload,
};

use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use crate::error::{Error, Result};
use crate::identity::{self, Completion, Proof, SecondFactor};

/// Questions about one's own account.
#[derive(Default)]
pub struct SecurityQuery;

#[Object]
impl SecurityQuery {
    /// What protects the account of whoever is signed in. Needs a sign-in.
    async fn my_security(&self, ctx: &Context<'_>) -> Result<Security> {
        Ok(identity::security(ctx.op()?).await?.into())
    }

    /// The attempts of the last 90 days to sign in as whoever is signed in, newest first: theirs, and those of others.
    /// Needs a sign-in.
    async fn my_sign_ins(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<SignInAttempt>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = identity::list_sign_ins(op, &window).await?;
        let mut attempts = Connection::of(page, SignInAttempt::from);
        attempts.as_of = as_of;
        if asks(ctx, "totalCount") {
            attempts.total_count = Some(identity::count_sign_ins(op).await? as i64);
        }
        Ok(attempts)
    }
}

/// What people do about their own account.
#[derive(Default)]
pub struct SecurityMutation;

#[Object]
impl SecurityMutation {
    /// Show the second factor that a sign-in asked for. A challenge is good once, for five minutes and five tries.
    /// Needs no sign-in.
    async fn complete_sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CompleteSignInInput,
    ) -> Result<CompleteSignInPayload> {
        let origin = ctx.origin();
        let outcome = match second_factor(input.code, input.recovery_code) {
            Ok(shown) => {
                let completion = Completion {
                    challenge: input.challenge,
                    shown,
                    user_agent: origin.user_agent,
                    address: origin.address,
                };
                identity::complete_sign_in(ctx.handles(), completion).await
            }
            Err(error) => Err(error),
        };
        // for the person who typed it: a client that reads UNAUTHENTICATED would refresh its token and try again
        CompleteSignInPayload::of(outcome.map_err(|error| match error {
            Error::Unauthenticated(message) => Error::invalid("code", message),
            other => other,
        }))
    }

    /// Change your password. Your other sessions and every mailed link end. Needs a sign-in.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let (current, new) = (&input.current_password, &input.new_password);
        let outcome = identity::change_password(ctx.op()?, current, new).await;
        ChangePasswordPayload::of(outcome.map(|()| true))
    }

    /// Have a link to a new password mailed to an address. The answer is the same whether or not somebody has it. Needs
    /// no sign-in.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        let outcome = identity::request_password_reset(ctx.handles(), &input.email).await;
        RequestPasswordResetPayload::of(outcome.map(|()| true))
    }

    /// Set a new password by the token of a mailed link, which is good once, for an hour. Every session of the person
    /// ends; their second factor stays. Needs no sign-in.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordPayload> {
        let (token, password) = (&input.token, &input.password);
        let outcome = identity::reset_password_by_token(ctx.handles(), token, password).await;
        ResetPasswordPayload::of(outcome.map(|()| true))
    }

    /// Have a link mailed that proves your address. Needs a sign-in.
    async fn request_email_verification(
        &self,
        ctx: &Context<'_>,
    ) -> Result<RequestEmailVerificationPayload> {
        let outcome = identity::request_email_verification(ctx.op()?).await;
        RequestEmailVerificationPayload::of(outcome.map(|()| true))
    }

    /// Follow a mailed link: the address it was sent to is yours. It is good once, for a day. Needs no sign-in.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: VerifyEmailInput,
    ) -> Result<VerifyEmailPayload> {
        let outcome = identity::verify_email(ctx.handles(), &input.token).await;
        VerifyEmailPayload::of(outcome.map(|()| true))
    }

    /// Take another address. It is yours once the link that is mailed there was followed; the one before is told. Needs
    /// a sign-in.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ChangeEmailInput,
    ) -> Result<ChangeEmailPayload> {
        let outcome = identity::change_email(ctx.op()?, &input.email, &input.password).await;
        ChangeEmailPayload::of(outcome.map(|()| true))
    }

    /// Set an authenticator app up. Your address must be verified, where mail is sent. Its codes are asked for once `confirmTotp` was shown the first. Needs a sign-in.
    async fn enrol_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: EnrolTotpInput,
    ) -> Result<EnrolTotpPayload> {
        EnrolTotpPayload::of(identity::enrol_totp(ctx.op()?, &input.password).await)
    }

    /// Put the authenticator app on, by a first code of it. Your other sessions end. Needs a sign-in.
    async fn confirm_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ConfirmTotpInput,
    ) -> Result<ConfirmTotpPayload> {
        ConfirmTotpPayload::of(identity::confirm_totp(ctx.op()?, &input.code).await)
    }

    /// Replace your recovery codes; the ones before stop working. Needs a sign-in.
    async fn renew_recovery_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RenewRecoveryCodesInput,
    ) -> Result<RenewRecoveryCodesPayload> {
        let outcome = identity::renew_recovery_codes(ctx.op()?, &input.code).await;
        RenewRecoveryCodesPayload::of(outcome)
    }

    /// Take your authenticator app off, and the recovery codes with it. Needs a sign-in.
    async fn disable_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DisableTotpInput,
    ) -> Result<DisableTotpPayload> {
        let op = ctx.op()?;
        let proof = match input.password {
            Some(password) => Ok(Proof::Password(password)),
            None => second_factor(input.code, input.recovery_code).map(Proof::SecondFactor),
        };
        let outcome = match proof {
            Ok(proof) => identity::disable_totp(op, proof).await,
            Err(error) => Err(error),
        };
        DisableTotpPayload::of(outcome.map(|()| true))
    }
}

fn second_factor(code: Option<String>, recovery_code: Option<String>) -> Result<SecondFactor> {
    match (code, recovery_code) {
        (Some(code), None) => Ok(SecondFactor::Code(code)),
        (None, Some(code)) => Ok(SecondFactor::RecoveryCode(code)),
        _ => Err(Error::invalid(
            "code",
            "is missing; a code of the app or a recovery code is needed, and one of them only",
        )),
    }
}

/// What protects an account.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Security {
    /// Since when the address is known to be theirs; absent if it was never proved.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// Whether there is a password to sign in with.
    pub has_password: bool,
    /// Since when a code of an authenticator app is asked for; absent if none is.
    pub totp_enabled_at: Option<DateTime<Utc>>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i32,
}

impl From<identity::Security> for Security {
    fn from(security: identity::Security) -> Self {
        Self {
            email_verified_at: security.email_verified_at,
            has_password: security.has_password,
            totp_enabled_at: security.totp_since,
            recovery_codes_left: security.recovery_codes_left as i32,
        }
    }
}

/// Somebody tried to sign in.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(serial)]
pub struct SignInAttempt {
    /// When it was.
    pub at: DateTime<Utc>,
    /// What was shown.
    pub factor: SignInFactor,
    /// What came of it.
    pub outcome: SignInOutcome,
    /// Where it came from.
    pub address: Option<String>,
    /// The client as it named itself.
    pub device: Option<String>,
}

impl From<attempt::Model> for SignInAttempt {
    fn from(row: attempt::Model) -> Self {
        Self {
            at: row.at,
            factor: row.factor.into(),
            outcome: row.outcome.into(),
            address: row.address,
            device: row.user_agent,
        }
    }
}
