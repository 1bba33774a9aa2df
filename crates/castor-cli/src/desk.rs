//! `castor desk`: the review desk over HTTP, for a browser on this computer or on the local network.

use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Path as UrlPath, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use castor_app::view::Failure;
use castor_app::{AppError, Desk, OF_THIS_COMPUTER, open_reader};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tower_http::services::{ServeDir, ServeFile};
use uuid::Uuid;

/// Largest upload, in bytes.
const UPLOAD: usize = 4 << 30;

/// Scripts, styles and pictures of the desk itself, and nothing from elsewhere.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// What `castor desk` takes.
#[derive(Args)]
pub(crate) struct DeskArguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:5010", value_name = "ADDRESS")]
    http: SocketAddr,
    /// Data folder; CASTOR_DATA, else ~/.local/share/castor.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the built interface.
    #[arg(long, value_name = "DIR", default_value = "ui/dist")]
    ui: PathBuf,
    /// Takes these generated forms in on a first start, under their mark.
    #[arg(long, value_name = "DIR")]
    demo: Option<PathBuf>,
    /// Key of the address instead of one drawn anew, for tests.
    #[arg(long, hide = true)]
    key: Option<String>,
}

/// What the routes share.
#[derive(Clone)]
struct Served {
    desk: Arc<Desk>,
    key: Arc<str>,
    /// Whether only this computer can reach it: paths of this computer are taken then.
    local: bool,
}

/// Serves the desk until it is interrupted.
pub(crate) fn serve(arguments: &DeskArguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serving(arguments))?;
    Ok(ExitCode::SUCCESS)
}

async fn serving(arguments: &DeskArguments) -> Result<()> {
    let folder = arguments.data.clone().unwrap_or_else(castor_app::data_folder);
    let desk = Desk::open(&folder, open_reader(None)?).await?;
    if let Some(demo) = &arguments.demo {
        desk.import_demo(demo.clone()).await?;
    }
    let key = arguments
        .key
        .clone()
        .unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let served = Served {
        desk,
        key: key.as_str().into(),
        local: arguments.http.ip().is_loopback(),
    };
    let listener = tokio::net::TcpListener::bind(arguments.http).await.with_context(|| {
        format!(
            "HTTP_001 {} cannot be listened on; choose another with --http",
            arguments.http
        )
    })?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout().lock(), "CASTOR: http://{address}/?key={key}")?;
    let app = routes(served, &arguments.ui);
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}

fn routes(served: Served, ui: &Path) -> Router {
    let files = ServeDir::new(ui).fallback(ServeFile::new(ui.join("index.html")));
    Router::new()
        .route("/api/desk/upload", post(upload).layer(DefaultBodyLimit::max(UPLOAD)))
        .route("/api/desk/page/{form}/{page}", get(page))
        .route("/api/desk/{command}", post(command))
        .fallback_service(files)
        .layer(from_fn_with_state(served.clone(), guarded))
        .with_state(served)
}

#[derive(Deserialize)]
struct Key {
    key: Option<String>,
}

/// Lets in who has the key of the address: by the address once, by the cookie that it leaves from then on.
async fn guarded(State(served): State<Served>, Query(asked): Query<Key>, request: Request, next: Next) -> Response {
    if let Some(key) = asked.key {
        if !same(&key, &served.key) {
            return refused();
        }
        let cookie = format!("castor={key}; Path=/; HttpOnly; SameSite=Strict");
        return ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response();
    }
    let cookies = request
        .headers()
        .get(header::COOKIE)
        .and_then(|c| c.to_str().ok())
        .unwrap_or_default();
    let known = cookies
        .split(';')
        .filter_map(|c| c.trim().strip_prefix("castor="))
        .any(|key| same(key, &served.key));
    if !known || foreign(request.headers()) {
        return refused();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Compares without saying by its time how much is alike.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |sum, (x, y)| sum | (x ^ y)) == 0
}

/// Whether a page of another origin asks.
fn foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|o| o.to_str().ok()) else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
        .unwrap_or_default();
    origin.strip_prefix("http://") != Some(host)
}

fn refused() -> Response {
    let message = "HTTP_002 open the desk by the address that `castor desk` printed: it carries the key";
    failed(StatusCode::UNAUTHORIZED, "HTTP_002", message)
}

fn failed(status: StatusCode, code: &str, message: &str) -> Response {
    let failure = Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        fields: Vec::new(),
    };
    (status, Json(failure)).into_response()
}

async fn command(
    State(served): State<Served>,
    UrlPath(command): UrlPath<String>,
    Json(arguments): Json<Value>,
) -> Response {
    if OF_THIS_COMPUTER.contains(&command.as_str()) && !served.local {
        let message = "HTTP_003 this is done on the computer where the desk runs; files are uploaded";
        return failed(StatusCode::FORBIDDEN, "HTTP_003", message);
    }
    let desk = served.desk;
    match to_its_end(async move { desk.call(&command, arguments).await }).await {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(failure)) => (StatusCode::UNPROCESSABLE_ENTITY, Json(failure)).into_response(),
        Err(cut) => (StatusCode::UNPROCESSABLE_ENTITY, Json(Failure::of(&cut))).into_response(),
    }
}

/// Does work in a task of its own: a browser that goes away ends its request, and not in the middle what it asked for.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, AppError> {
    tokio::spawn(work).await.map_err(|e| AppError::Cut(e.to_string()))
}

async fn page(State(served): State<Served>, UrlPath((form, page)): UrlPath<(String, u16)>) -> Response {
    match served.desk.page_png(&form, page).await {
        Ok(png) => {
            // A form is named by the hash of its file: its pages never change.
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
            ];
            (headers, Body::from(png)).into_response()
        }
        Err(error) => (StatusCode::NOT_FOUND, Json(Failure::of(&error))).into_response(),
    }
}

/// Takes files in as the browser sends them.
async fn upload(State(served): State<Served>, mut form: Multipart) -> Response {
    match uploaded(&served.desk, &mut form).await {
        Ok(value) => Json(value).into_response(),
        Err(error) => failed(
            StatusCode::UNPROCESSABLE_ENTITY,
            "HTTP_004",
            &format!("HTTP_004 {error:#}"),
        ),
    }
}

async fn uploaded(desk: &Arc<Desk>, form: &mut Multipart) -> Result<castor_app::view::ImportStatus> {
    let incoming = desk.incoming();
    tokio::fs::create_dir_all(&incoming).await?;
    // Half of what was sent is of no use, as when the browser goes away: the folder goes with it, and it is sent again.
    let folder = tempfile::Builder::new()
        .prefix("")
        .rand_bytes(12)
        .tempdir_in(&incoming)?;
    received(folder.path(), form).await?;
    let desk = Arc::clone(desk);
    Ok(to_its_end(async move { desk.import_sent(folder.keep()).await }).await??)
}

/// Writes what a browser sends into a folder, each file under the path that the browser gave it.
async fn received(folder: &Path, form: &mut Multipart) -> Result<()> {
    let mut parts = 0u32;
    while let Some(mut part) = form.next_field().await? {
        let given = part.file_name().unwrap_or_default().to_owned();
        let Some(name) = inside(&given) else { continue };
        parts += 1;
        let mut path = folder.join(&name);
        if tokio::fs::try_exists(&path).await? {
            // Two files of one name from different places.
            path = folder.join(parts.to_string()).join(&name);
        }
        tokio::fs::create_dir_all(path.parent().unwrap_or(folder)).await?;
        let mut file = tokio::fs::File::create(&path).await?;
        while let Some(bytes) = part.chunk().await? {
            file.write_all(&bytes).await?;
        }
        file.sync_all().await?;
    }
    Ok(())
}

/// A path that a browser gave as one that stays inside of a folder: what leads elsewhere is left out of it.
fn inside(given: &str) -> Option<PathBuf> {
    let steps = given
        .split(['/', '\\'])
        .filter(|step| !matches!(*step, "" | "." | ".."));
    let path: PathBuf = steps.map(|step| step.replace(':', "_")).collect();
    (!path.as_os_str().is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_browser_that_goes_away_does_not_end_what_it_asked_for() {
        let (go, going) = tokio::sync::oneshot::channel::<()>();
        let (say, said) = tokio::sync::oneshot::channel();
        let work = to_its_end(async move {
            going.await.unwrap();
            say.send("done").unwrap();
        });
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(20), work).await;
        assert!(given_up.is_err());
        go.send(()).unwrap();
        assert_eq!(said.await.unwrap(), "done");
    }

    #[test]
    fn what_a_browser_calls_a_file_never_leads_out_of_the_folder() {
        let path = |given| inside(given).map(|path| path.display().to_string());
        assert_eq!(path("acta.pdf").as_deref(), Some("acta.pdf"));
        assert_eq!(path("lote/mesa 1/acta.pdf").as_deref(), Some("lote/mesa 1/acta.pdf"));
        assert_eq!(path("../../etc/passwd").as_deref(), Some("etc/passwd"));
        assert_eq!(path("/etc/passwd").as_deref(), Some("etc/passwd"));
        assert_eq!(path("C:\\actas\\acta.pdf").as_deref(), Some("C_/actas/acta.pdf"));
        assert_eq!(path("..").as_deref(), None);
    }
}
