//! Who holds forms of the shared queue, and taking them back: a laptop that is lost, or that nobody sits at, keeps no work.

use super::review::mesa_id;
use super::user::limit;
use crate::audit::Action;
use crate::config::Service;
use crate::envelope::{Answer, Params, Segment, Success, answer};
use crate::error::ApiError;
use crate::guard::{Caller, Origin};
use crate::repo::audit;
use crate::repo::form::{self as forms, Lent, TakenBack};
use crate::repo::user::{self as users, Named};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let manage = Access::Needs(Permission::ManagePipeline);
    Routes::new()
        .add(manage, Limit::Work, routes!(list))
        .add(manage, Limit::Work, routes!(take_form))
        .add(manage, Limit::Work, routes!(take_laptop))
}

/// Which leases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The laptop of the last one of the page before; with `after_form`.
    after_laptop: Option<Uuid>,
    /// The form of the last one of the page before; with `after_laptop`.
    after_form: Option<String>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// A form that is lent to a laptop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LentForm {
    /// The form: SHA-256 of its file.
    id: String,
    /// Name of its file.
    name: String,
    /// Departamento, municipio, zona, puesto and mesa, where all are known.
    mesa_id: Option<String>,
    /// Names of the place, as far as known.
    location: String,
    /// Corporación.
    corporacion: Option<String>,
    /// Copy.
    copy_type: Option<String>,
    /// The laptop: the identity of its store.
    laptop: Uuid,
    /// The account that it was lent to.
    account: Uuid,
    /// Its name: as the account has it, or as it stands beside its events where accounts are another process's.
    person: Option<String>,
    /// Its e-mail address, where accounts are this process's.
    email: Option<String>,
    /// When it ends by itself.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    until: OffsetDateTime,
}

impl LentForm {
    fn of(lent: Lent, known: &HashMap<Uuid, Named>) -> Self {
        let known = known.get(&lent.account);
        Self {
            id: lent.form,
            name: lent.name,
            mesa_id: mesa_id([lent.departamento, lent.municipio, lent.zona, lent.puesto, lent.mesa]),
            location: lent.place,
            corporacion: lent.corporacion,
            copy_type: lent.copia,
            laptop: lent.client,
            account: lent.account,
            person: known
                .map(|named| format!("{} {}", named.first_name, named.last_name))
                .or(lent.author),
            email: known.map(|named| named.email.clone()),
            until: lent.until,
        }
    }
}

/// What is lent now, laptop by laptop.
#[utoipa::path(get, path = "/api/queue/leases", tag = "queue", params(Which), responses((status = 200, body = Success<Vec<LentForm>>)))]
async fn list(State(server): State<Server>, Params(which): Params<Which>) -> Answer<Vec<LentForm>> {
    let after = which.after_laptop.zip(which.after_form.as_deref());
    let lent = {
        let mut connection = server.database(Service::E14)?.connection().await?;
        forms::lent(&mut connection, after, limit(which.limit)).await?
    };
    let known = names(&server, &lent).await?;
    answer(lent.into_iter().map(|lent| LentForm::of(lent, &known)).collect())
}

/// The accounts of leases, where accounts are this process's: they may be in another database.
async fn names(server: &Server, lent: &[Lent]) -> Result<HashMap<Uuid, Named>, ApiError> {
    let Ok(database) = server.database(Service::Core) else {
        return Ok(HashMap::new());
    };
    let mut accounts: Vec<Uuid> = lent.iter().map(|lent| lent.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut connection = database.connection().await?;
    let named = users::named(&mut connection, &accounts).await?;
    Ok(named.into_iter().map(|named| (named.id, named)).collect())
}

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Freed {
    /// So many forms.
    freed: usize,
}

/// Takes a form back: the next laptop that asks may have it. What its laptop did with it until then counts all the same.
#[utoipa::path(delete, path = "/api/queue/leases/form/{form}", tag = "queue", params(("form" = String, Path, description = "the form's id")),
    responses((status = 200, body = Success<Freed>)))]
async fn take_form(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(form): Segment<String>,
) -> Answer<Freed> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let TakenBack { client, account } = forms::take_back(&mut transaction, &form)
        .await?
        .ok_or_else(|| ApiError::not_found("lease"))?;
    let detail = json!({ "laptop": client, "form": form });
    let (by, action) = (Some(caller.user), Action::LeasesTakenBack);
    audit::write(&mut transaction, Some(&origin), by, action, Some(account), detail).await?;
    transaction.commit().await?;
    answer(Freed { freed: 1 })
}

/// Takes everything back that a laptop has.
#[utoipa::path(delete, path = "/api/queue/leases/laptop/{laptop}", tag = "queue", params(("laptop" = Uuid, Path)),
    responses((status = 200, body = Success<Freed>)))]
async fn take_laptop(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(laptop): Segment<Uuid>,
) -> Answer<Freed> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let taken = forms::take_all_back(&mut transaction, laptop).await?;
    let account = taken.first().ok_or_else(|| ApiError::not_found("lease"))?.account;
    let detail = json!({ "laptop": laptop, "forms": taken.len() });
    let (by, action) = (Some(caller.user), Action::LeasesTakenBack);
    audit::write(&mut transaction, Some(&origin), by, action, Some(account), detail).await?;
    transaction.commit().await?;
    answer(Freed { freed: taken.len() })
}
