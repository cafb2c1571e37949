//! Mutations without a key, and why.

const SESSION: &str = "opens a session: a kept answer would be a way in; sent again it opens another, and the first one lapses";
const ONE_TIME: &str =
    "is asked with a token, code or challenge that works once: sent again it says that it was used";
const OWN_PROOF: &str = "is about the caller's own credentials: the proof is given anew each time, and the answer is not told again";
const NOTHING: &str = "stores nothing: sent again it is the same";
const ENDS: &str =
    "ends something, in more than one tenant: sent again it goes on where it stopped";

/// The mutations whose input has no `idempotencyKey`, each with the reason. All others have it.
pub const UNKEYED: &[(&str, &str)] = &[
    (
        "registerTenant",
        "has no tenant yet: sent again, the address is taken",
    ),
    ("signIn", SESSION),
    ("refreshSession", SESSION),
    ("completeSignIn", SESSION),
    ("startPasskeySignIn", SESSION),
    ("finishPasskeySignIn", SESSION),
    ("switchTenant", SESSION),
    ("exchangeSignInCode", ONE_TIME),
    ("acceptInvitation", ONE_TIME),
    ("joinTenant", ONE_TIME),
    ("resetPassword", ONE_TIME),
    ("verifyEmail", ONE_TIME),
    ("linkIdentity", ONE_TIME),
    ("finishPasskeyRegistration", ONE_TIME),
    (
        "requestPasswordReset",
        "has no caller: sent again it mails another link, at most so often",
    ),
    ("requestEmailVerification", OWN_PROOF),
    ("changePassword", OWN_PROOF),
    ("changeEmail", OWN_PROOF),
    ("enrolTotp", OWN_PROOF),
    ("confirmTotp", OWN_PROOF),
    ("renewRecoveryCodes", OWN_PROOF),
    ("disableTotp", OWN_PROOF),
    ("startIdentityLink", OWN_PROOF),
    ("startPasskeyRegistration", OWN_PROOF),
    ("previewStatement", NOTHING),
    ("testRule", NOTHING),
    ("signOut", ENDS),
    ("revokeSession", ENDS),
    ("signOutEverywhere", ENDS),
    ("leaveTenant", ENDS),
    ("deleteMyAccount", ENDS),
];
