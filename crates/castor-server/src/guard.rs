//! Who is calling: the token is read, the caller's limit is counted, the route's rule is asked, in this order.

use crate::address::{client_address, counted};
use crate::audit::{Action, has_room};
use crate::config::Service;
use crate::error::{ApiError, ErrorCode};
use crate::limit::{Rate, Taken};
use crate::repo::{audit, session};
use crate::revoked;
use crate::role::Role;
use crate::route::{Access, Limit, Rule};
use crate::server::Server;
use crate::token::Claims;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;
use uuid::Uuid;

/// A signed-in caller. A handler takes it where its route is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub user: Uuid,
    /// The sign-in.
    pub session: Uuid,
    /// What the account may do.
    pub role: Role,
    /// When the token ends, seconds since 1970.
    pub until: u64,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, behind trusted proxies too.
    pub address: IpAddr,
    /// The request's id.
    pub request_id: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(ApiError::unauthenticated)
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::internal)
    }
}

/// What is asked for.
struct Asked {
    method: Method,
    /// The path with `{…}` for variable parts.
    route: String,
    origin: Origin,
}

/// The guard in front of one route.
pub async fn guard(State((server, rule)): State<(Server, Rule)>, mut request: Request, next: Next) -> Response {
    let asked = asked(&server, &request);
    let claims = match bearer(request.headers()) {
        Some(token) => server.keys.verify_access(token).await,
        None => Err(ApiError::unauthenticated()),
    };
    // Where anybody may come, a token is no reason to count anew: whoever can make accounts has as many as they like.
    let known = claims.as_ref().ok().filter(|_| rule.access != Access::Public);
    let taken = match within_limit(&server, rule.limit, known, &asked).await {
        Ok(taken) => taken,
        Err(response) => return response,
    };
    let began = Instant::now();
    let admitted = admitted(&server, rule.access, claims, &asked).await;
    if rule.access != Access::Public {
        histogram!("castor_authz_duration_seconds").record(began.elapsed());
    }
    let mut response = match admitted {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            request.extensions_mut().insert(asked.origin);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    if let Some(taken) = taken {
        write_headers(response.headers_mut(), &taken);
    }
    response
}

fn asked(server: &Server, request: &Request) -> Asked {
    let route = request.extensions().get::<MatchedPath>();
    Asked {
        method: request.method().clone(),
        route: route.map_or("(none)", MatchedPath::as_str).to_owned(),
        origin: origin(server, request),
    }
}

fn origin(server: &Server, request: &Request) -> Origin {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    Origin {
        address: client_address(peer, request.headers(), &server.config.trusted_proxies),
        request_id: id.to_owned(),
    }
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The caller that the rule asks for.
async fn admitted(
    server: &Server,
    access: Access,
    claims: Result<Claims, ApiError>,
    asked: &Asked,
) -> Result<Option<Caller>, ApiError> {
    if access == Access::Public {
        return Ok(None);
    }
    let caller = current(server, claims?).await?;
    if access.admits(caller.role) {
        return Ok(Some(caller));
    }
    counter!("castor_authz_denied_total", "role" => caller.role.name()).increment(1);
    if let Err(error) = note_denial(server, caller, asked).await {
        tracing::warn!(%error, "what a role does not allow was asked for, and could not be written down");
    }
    Err(ApiError::new(ErrorCode::Forbidden, "your role does not allow this"))
}

/// In the database that this process has.
async fn note_denial(server: &Server, caller: Caller, asked: &Asked) -> Result<(), ApiError> {
    let Some((_, database)) = server.databases().next() else {
        return Ok(());
    };
    if !has_room(server, Action::Denied, &caller.user.to_string()).await {
        return Ok(());
    }
    let mut connection = database.connection().await?;
    let detail = json!({ "role": caller.role, "method": asked.method.as_str(), "route": asked.route });
    let (origin, by) = (Some(&asked.origin), Some(caller.user));
    audit::write(&mut connection, origin, by, Action::Denied, None, detail).await?;
    Ok(())
}

/// Where this process holds the accounts, the session must still stand and the role is the present one; a service that
/// runs without them asks the shared memory for sessions that ended early and roles that changed.
pub(crate) async fn current(server: &Server, claims: Claims) -> Result<Caller, ApiError> {
    let role = if server.config.runs(Service::Core) {
        let mut connection = server.database(Service::Core)?.connection().await?;
        session::role_of(&mut connection, claims.sid, claims.sub)
            .await?
            .ok_or_else(ApiError::unauthenticated)?
    } else {
        if revoked::has_ended(server, claims.sid).await {
            return Err(ApiError::unauthenticated());
        }
        // A token says the role of when it was made.
        revoked::changed_role(server, claims.sub).await?.unwrap_or(claims.role)
    };
    Ok(Caller {
        user: claims.sub,
        session: claims.sid,
        role,
        until: claims.exp,
    })
}

/// Counts the request against the user or, without one, the address.
async fn within_limit(
    server: &Server,
    limit: Limit,
    claims: Option<&Claims>,
    asked: &Asked,
) -> Result<Option<Taken>, Response> {
    let Some(rate) = rate(server, limit) else {
        return Ok(None);
    };
    let who = claims.map_or_else(
        || format!("ip:{}", counted(asked.origin.address)),
        |claims| format!("user:{}", claims.sub),
    );
    let of = match limit {
        Limit::Read => asked.route.as_str(),
        Limit::Default | Limit::Auth | Limit::Work | Limit::None => limit.name(),
    };
    let taken = server.shared.take(&format!("limit:{of}:{who}"), rate).await;
    if taken.granted {
        return Ok(Some(taken));
    }
    counter!("castor_rate_limit_hits_total", "limit" => limit.name()).increment(1);
    let error = ApiError::new(
        ErrorCode::RateLimited,
        "too many requests; Retry-After says when to come back",
    );
    let mut response = error.retry_after(taken.wait).into_response();
    write_headers(response.headers_mut(), &taken);
    Err(response)
}

fn rate(server: &Server, limit: Limit) -> Option<Rate> {
    let rates = &server.config.rates;
    match limit {
        Limit::Default => Some(rates.default),
        Limit::Auth => Some(rates.auth),
        Limit::Work => Some(rates.work),
        Limit::Read => Some(rates.read),
        Limit::None => None,
    }
}

fn write_headers(headers: &mut HeaderMap, taken: &Taken) {
    let mut put = |name: &'static str, value: u64| headers.insert(name, HeaderValue::from(value));
    put("ratelimit-limit", u64::from(taken.rate.count));
    put("ratelimit-remaining", u64::from(taken.remaining));
    put("ratelimit-reset", taken.reset.as_secs());
}
