//! What happens, pushed to desks as server-sent events.

use crate::guard::Caller;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::shared::Event;
use axum::extract::State;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa_axum::routes;

pub(super) fn routes() -> Routes {
    Routes::new().add(Access::SignedIn, Limit::Work, routes!(events))
}

struct Listener {
    events: Receiver<Event>,
    closing: watch::Receiver<bool>,
    caller: Caller,
    until: Instant,
}

/// Events that the caller's role may know of. The stream ends with the access token and with the server; `lagged` says
/// that some were lost and the desk should ask anew.
#[utoipa::path(get, path = "/api/events", tag = "events",
    responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn events(
    State(server): State<Server>,
    caller: Caller,
) -> Sse<impl Stream<Item = Result<Sent, Infallible>> + use<>> {
    let listener = Listener {
        events: server.shared.subscribe(),
        closing: server.closing.subscribe(),
        caller,
        until: Instant::now() + time_left(caller.until),
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = next(&mut listener).await?;
        Some((Ok(event), listener))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn time_left(until: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(until).saturating_sub(now)
}

async fn next(listener: &mut Listener) -> Option<Sent> {
    loop {
        let received = tokio::select! {
            received = listener.events.recv() => received,
            () = tokio::time::sleep_until(listener.until) => return None,
            _ = listener.closing.wait_for(|closing| *closing) => return None,
        };
        match received {
            Ok(event) if listener.caller.role.may(event.audience) => {
                match Sent::default().event(&event.kind).json_data(&event.body) {
                    Ok(sent) => return Some(sent),
                    Err(error) => tracing::error!(%error, kind = event.kind, "an event cannot be written"),
                }
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return Some(Sent::default().event("lagged").data("{}")),
            Err(RecvError::Closed) => return None,
        }
    }
}
