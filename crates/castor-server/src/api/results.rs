//! Results as the forms say them.

use super::queue::elected;
use crate::config::Service;
use crate::envelope::{Answer, Params, Success, answer};
use crate::error::{ApiError, ErrorCode};
use crate::repo::result::{self, OptionResult, Part, Place, Tables};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::extract::State;
use castor_domain::form::{FieldPath, Level};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

pub(super) fn routes() -> Routes {
    Routes::new().add(Access::Needs(Permission::ViewResults), Limit::Work, routes!(totals))
}

/// Of what: a contest, and a place by its codes from the widest to the narrowest; without codes the country.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Contest, such as `PRESIDENTE`; the original's names (`PRESIDENCIA`) too.
    corporacion: String,
    /// Code of the departamento.
    departamento: Option<String>,
    /// Code of the municipio.
    municipio: Option<String>,
    /// Code of the zona.
    zona: Option<String>,
    /// Code of the polling place.
    puesto: Option<String>,
    /// The row of the ballot whose votes each part is to show, such as `candidato.3`.
    path: Option<String>,
}

/// Results of a contest in a place.
#[derive(Debug, Serialize, ToSchema)]
struct Totals {
    /// The contest.
    corporacion: &'static str,
    /// Tables of the place.
    tables: Tables,
    /// Rows of the ballot, most votes first; empty where rows mean different things in different parts of the place.
    options: Vec<OptionResult>,
    /// The places directly within.
    parts: Vec<Part>,
    /// Read forms, anywhere, whose table or contest is not known: they are in no sum.
    unplaced: i64,
    /// Events that have arrived since these sums.
    behind: i64,
}

/// Votes by contest and place, added up from one form a table: the one of the highest legal rank, among equals the
/// validated, the consistent, the latest. Cells that wait for a person are in no sum and counted as unread.
#[utoipa::path(get, path = "/api/results/totals", tag = "results", params(Asked),
    responses((status = 200, body = Success<Totals>)))]
async fn totals(State(server): State<Server>, Params(asked): Params<Asked>) -> Answer<Totals> {
    let corporacion = elected(&asked.corporacion).map_err(|_| invalid("corporacion is none that CASTOR knows"))?;
    let place = place(&asked)?;
    let path = asked.path.as_deref().map(str::parse::<FieldPath>).transpose();
    let path = path
        .map_err(|_| invalid("path is no row of a ballot"))?
        .map(|path| path.to_string());
    // One moment for all: sums go on while this is asked.
    let mut connection = server.database(Service::E14)?.begin_still().await?;
    let name = corporacion.name();
    let (upto, last) = result::state(&mut connection).await?;
    let parts = match place.level {
        Level::Puesto => Vec::new(),
        Level::Country | Level::Departamento | Level::Municipio | Level::Zona => {
            result::parts(&mut connection, name, &place, path.as_deref()).await?
        }
    };
    answer(Totals {
        corporacion: name,
        tables: result::tables(&mut connection, name, &place).await?,
        options: result::options(&mut connection, name, &place).await?,
        parts,
        unplaced: result::unplaced(&mut connection).await?,
        behind: last - upto,
    })
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}

/// The place that the codes name: none may be left out before another.
fn place(asked: &Asked) -> Result<Place, ApiError> {
    let codes = [&asked.departamento, &asked.municipio, &asked.zona, &asked.puesto];
    let given = codes.iter().take_while(|code| code.is_some()).count();
    if codes[given..].iter().any(|code| code.is_some()) {
        return Err(invalid(
            "a code is missing before another: departamento, municipio, zona, puesto",
        ));
    }
    if codes
        .iter()
        .copied()
        .flatten()
        .any(|code| code.len() > 3 || !code.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        return Err(invalid("codes have up to three digits or letters"));
    }
    let level = Level::ALL
        .into_iter()
        .find(|level| usize::try_from(level.codes()) == Ok(given));
    Ok(Place {
        level: level.ok_or_else(ApiError::internal)?,
        codes: codes.map(|code| code.clone().unwrap_or_default()),
    })
}
