//! Routes, one noun per file. Each service composes its own; what every service has stands in [`common`].

mod account;
mod audit;
mod auth;
mod blob;
mod browser;
mod e14;
mod events;
mod figures;
mod health;
mod lead;
mod lease;
mod pipeline;
mod queue;
mod results;
mod review;
mod review_log;
mod session;
mod sign_in;
mod sync;
mod upload;
mod user;

pub(crate) use auth::{NewAccount, register_user};
pub(crate) use blob::{hash, put_piece};
pub use health::{Check, State};
pub(crate) use health::{check, checks, own_checks};
pub(crate) use sync::push_events;

use crate::config::Service;
use crate::route::Routes;
use std::collections::BTreeSet;

/// Every route of the given services.
#[must_use]
pub fn routes(services: &BTreeSet<Service>) -> Routes {
    services
        .iter()
        .fold(common(), |routes, service| routes.and(of(*service)))
}

fn of(service: Service) -> Routes {
    match service {
        Service::Core => core(),
        Service::E14 => e14(),
        Service::Dashboard => dashboard(),
    }
}

/// What a worker answers: health and figures.
pub(crate) fn probes() -> Routes {
    health::routes()
}

/// Health, figures, events.
fn common() -> Routes {
    health::routes().and(figures::routes()).and(events::routes())
}

/// Accounts, leads, audit.
fn core() -> Routes {
    auth::routes()
        .and(browser::routes())
        .and(account::routes())
        .and(user::routes())
        .and(session::routes())
        .and(lead::routes())
        .and(audit::routes())
}

/// Forms: reading, queue, review, sync; what was done with them.
fn e14() -> Routes {
    e14::routes()
        .and(audit::of_e14())
        .and(blob::routes())
        .and(pipeline::routes())
        .and(queue::routes())
        .and(lease::routes())
        .and(results::routes())
        .and(review::routes())
        .and(review_log::routes())
        .and(sync::routes())
}

/// Analyses of the conversation.
fn dashboard() -> Routes {
    Routes::new()
}
