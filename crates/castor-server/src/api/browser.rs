//! Signing in from the console in a browser. The refresh token is a cookie that no script can read and that no other site
//! can have sent; docs/SERVER.md says why. Scripts hold the access token alone, in memory.
//!
//! Beside the refresh token the cookie has what the next one will be, as a desk keeps both: a page that is loaded anew before
//! the answer came asks once more with the same cookie, and that is no theft as long as nobody has used the next one.

use super::auth::{Ended, end_session};
use super::sign_in::{Account, Login, SignedIn, by_password, rotated};
use crate::config::Service;
use crate::envelope::{Payload, Success, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::guard::Origin;
use crate::repo::session;
use crate::route::{Access, Limit, Routes};
use crate::secret::{fingerprint, random_token};
use crate::server::Server;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::routes;

const COOKIE: &str = "castor_refresh";
/// Between its two tokens.
const BETWEEN: char = '.';
/// Sent with these routes alone.
const PATH: &str = "/api/auth/browser";

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Access::Public, Limit::Auth, routes!(login))
        .add(Access::Public, Limit::Auth, routes!(refresh))
        .add(Access::Public, Limit::Auth, routes!(logout))
}

/// What a sign-in gives to scripts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BrowserSignedIn {
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// Always `bearer`.
    token_type: String,
    /// Life of the access token, in seconds.
    expires_in: u64,
    /// The account.
    user: Account,
}

/// Nothing to say.
#[derive(Deserialize, ToSchema)]
pub(super) struct Nothing {}

/// A request of a page of this very server. Browsers say so themselves; what says nothing is no browser of today, and is
/// held off by the cookie's `SameSite` and by the JSON that another site cannot send unasked.
pub(super) struct SameOrigin {
    /// The page came over TLS, so that its cookie must never go without.
    secure: bool,
}

impl<S: Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let said = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if said("sec-fetch-site").is_some_and(|site| site != "same-origin") {
            return Err(ApiError::new(
                ErrorCode::Forbidden,
                "this is for pages of this server alone",
            ));
        }
        let secure = said("origin").is_some_and(|origin| origin.starts_with("https://"));
        Ok(Self { secure })
    }
}

/// Signs in from a browser: as `/api/auth/login`, with the refresh token in a cookie.
#[utoipa::path(post, path = "/api/auth/browser/login", tag = "auth", request_body = Login,
    responses((status = 200, body = Success<BrowserSignedIn>)))]
async fn login(
    State(server): State<Server>,
    origin: Origin,
    page: SameOrigin,
    headers: HeaderMap,
    Payload(login): Payload<Login>,
) -> Result<Response, ApiError> {
    let signed_in = by_password(&server, &origin, &headers, login).await?;
    in_cookie(&server, &page, signed_in)
}

/// Gives a new access token for the cookie, and a new cookie. As with `/api/auth/refresh`, one that comes a second time
/// ends the session, unless nobody has used what came of it: then the answer was lost.
#[utoipa::path(post, path = "/api/auth/browser/refresh", tag = "auth", request_body = Nothing,
    responses((status = 200, body = Success<BrowserSignedIn>)))]
async fn refresh(
    State(server): State<Server>,
    origin: Origin,
    page: SameOrigin,
    headers: HeaderMap,
    Payload(Nothing {}): Payload<Nothing>,
) -> Result<Response, ApiError> {
    let Tokens { now, next } = tokens(&headers).ok_or_else(ApiError::unauthenticated)?;
    let signed_in = rotated(&server, &origin, now, next).await?;
    in_cookie(&server, &page, signed_in)
}

/// Ends the session of the cookie and removes it. Works without an access token, which may have ended long ago.
#[utoipa::path(post, path = "/api/auth/browser/logout", tag = "auth", request_body = Nothing,
    responses((status = 200, body = Success<Ended>)))]
async fn logout(
    State(server): State<Server>,
    origin: Origin,
    page: SameOrigin,
    headers: HeaderMap,
    Payload(Nothing {}): Payload<Nothing>,
) -> Result<Response, ApiError> {
    let ended = match tokens(&headers) {
        Some(tokens) => end(&server, &origin, tokens.now).await?,
        None => 0,
    };
    let mut response = answer_with(StatusCode::OK, Ended { ended });
    set_cookie(&mut response, &page, "", Duration::ZERO)?;
    Ok(response)
}

async fn end(server: &Server, origin: &Origin, token: &str) -> Result<usize, ApiError> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let Some(token) = session::present(&mut transaction, &fingerprint(token)).await? else {
        return Ok(0);
    };
    end_session(server, transaction, origin, token.user_id, token.session_id).await
}

fn in_cookie(server: &Server, page: &SameOrigin, signed_in: SignedIn) -> Result<Response, ApiError> {
    let SignedIn {
        access_token,
        refresh_token,
        token_type,
        expires_in,
        user,
    } = signed_in;
    let body = BrowserSignedIn {
        access_token,
        token_type,
        expires_in,
        user,
    };
    let mut response = answer_with(StatusCode::OK, body);
    let tokens = format!("{refresh_token}{BETWEEN}{}", random_token());
    set_cookie(&mut response, page, &tokens, server.config.refresh_ttl)?;
    Ok(response)
}

fn set_cookie(response: &mut Response, page: &SameOrigin, value: &str, life: Duration) -> Result<(), ApiError> {
    let secure = if page.secure { "; Secure" } else { "" };
    let life = life.as_secs();
    let cookie = format!("{COOKIE}={value}; Path={PATH}; HttpOnly; SameSite=Strict; Max-Age={life}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| ApiError::internal())?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(())
}

/// What the request's cookie holds.
struct Tokens<'a> {
    now: &'a str,
    /// What the next one will be; none in cookies of a former version.
    next: Option<&'a str>,
}

fn tokens(headers: &HeaderMap) -> Option<Tokens<'_>> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let held = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
        .filter(|value| !value.is_empty())?;
    Some(match held.split_once(BETWEEN) {
        Some((now, next)) => Tokens { now, next: Some(next) },
        None => Tokens { now: held, next: None },
    })
}
