//! What people do with their own account.

use super::auth::{Ended, check_optional};
use super::sign_in::{Account, Tries};
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Payload, Segment, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::repo::{audit, session, user as users};
use crate::revoked;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::session::{OwnSession, Revocation, Session};
use crate::user::AccountCorrection;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::SignedIn, Limit::Work, routes!(me, correct))
        .add(Access::SignedIn, Limit::Auth, routes!(change_password))
        .add(Access::SignedIn, Limit::Work, routes!(sessions))
        .add(Access::SignedIn, Limit::Default, routes!(end_session))
}

/// The account that is signed in.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses((status = 200, body = Success<Account>)))]
async fn me(State(server): State<Server>, caller: Caller) -> Answer<Account> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    let user = users::get(&mut connection, caller.user)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    answer(user.into())
}

/// Corrects the personal data of this account. The address of mail, which one signs in with, stays.
#[utoipa::path(patch, path = "/api/auth/me", tag = "auth", request_body = AccountCorrection,
    responses((status = 200, body = Success<Account>)))]
async fn correct(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Payload(correction): Payload<AccountCorrection>,
) -> Answer<Account> {
    check(&correction)?;
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let before = users::hold(&mut transaction, caller.user)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let user = correction.of(before.clone());
    let fields = user.differs_in(&before).join(", ");
    if !fields.is_empty() {
        users::correct(&mut transaction, &user).await?;
        let (who, detail) = (Some(caller.user), json!({ "fields": fields }));
        audit::write(
            &mut transaction,
            Some(&origin),
            who,
            Action::AccountCorrected,
            who,
            detail,
        )
        .await?;
        transaction.commit().await?;
    }
    answer(user.into())
}

fn check(correction: &AccountCorrection) -> Result<(), ApiError> {
    let mut check = Check::default();
    check.optional_text("first_name", correction.first_name.as_deref(), 100);
    check.optional_text("last_name", correction.last_name.as_deref(), 100);
    let optional = [
        &correction.phone,
        &correction.whatsapp_number,
        &correction.campaign_role,
        &correction.candidate_position,
    ];
    check_optional(
        &mut check,
        optional.map(|text| text.as_deref().filter(|text| !text.is_empty())),
    );
    check.done()
}

/// The password of now and the next one.
#[derive(Deserialize, ToSchema)]
pub(super) struct PasswordChange {
    current: String,
    /// 12 to 256 characters.
    new: String,
}

/// Changes the password and ends every session.
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", request_body = PasswordChange,
    responses((status = 200, body = Success<Ended>)))]
async fn change_password(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Payload(change): Payload<PasswordChange>,
) -> Answer<Ended> {
    let database = server.database(Service::Core)?;
    let (user, stored) = {
        let mut connection = database.connection().await?;
        let user = users::get(&mut connection, caller.user)
            .await?
            .ok_or_else(ApiError::unauthenticated)?;
        (user, users::password_hash(&mut connection, caller.user).await?)
    };
    let mut check = Check::default();
    check.add(crate::password::problem(&change.new, &user.email));
    check.done()?;
    let tries = Tries::of(&user.email, &origin);
    tries.admit(database).await?;
    let wrong = || ApiError::new(ErrorCode::InvalidCredentials, "the present password is wrong");
    let who = Some(caller.user);
    let right = server.passwords.verify(change.current, stored.clone()).await?;
    let Some(was) = stored.filter(|_| right) else {
        tries.note_failure(&server, &origin, who, who).await?;
        return Err(wrong());
    };
    let hash = server.passwords.hash(change.new).await?;
    let mut transaction = database.begin().await?;
    if !users::change_password(&mut transaction, caller.user, &was, &hash).await? {
        // Another one took its place meanwhile.
        drop(transaction);
        tries.note_failure(&server, &origin, who, who).await?;
        return Err(wrong());
    }
    tries.forget(&mut transaction).await?;
    let ended = session::revoke_all(&mut transaction, caller.user, Revocation::Password).await?;
    audit::write(
        &mut transaction,
        Some(&origin),
        who,
        Action::PasswordChanged,
        who,
        json!({}),
    )
    .await?;
    transaction.commit().await?;
    revoked::tell_ended(&server, &ended).await;
    answer(Ended { ended: ended.len() })
}

/// The sessions of this account; `current` is the one that asks.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "auth", responses((status = 200, body = Success<Vec<OwnSession>>)))]
async fn sessions(State(server): State<Server>, caller: Caller) -> Answer<Vec<OwnSession>> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    let own = |session: Session| OwnSession {
        current: session.id == caller.session,
        session,
    };
    let sessions = session::list(&mut connection, caller.user).await?;
    answer(sessions.into_iter().map(own).collect())
}

/// Ends one session of this account.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Ended>)))]
async fn end_session(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Ended> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    if !session::revoke(&mut transaction, caller.user, id, Revocation::Logout).await? {
        return Err(ApiError::not_found("session"));
    }
    let who = Some(caller.user);
    audit::write(
        &mut transaction,
        Some(&origin),
        who,
        Action::SignedOut,
        Some(id),
        json!({}),
    )
    .await?;
    transaction.commit().await?;
    revoked::tell_ended(&server, &[id]).await;
    answer(Ended { ended: 1 })
}
