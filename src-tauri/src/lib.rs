//! The review desk in its own window: one command and one scheme for page images over [`castor_app::Desk`], nothing else.

use castor_app::view::Failure;
use castor_app::{AppError, Desk, open_reader};
use serde_json::Value;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tauri::http::{Response, StatusCode, header};
use tauri::{AppHandle, Manager, State, UriSchemeResponder, WebviewUrl, WebviewWindowBuilder};
use tokio::sync::watch;

/// What the window is started with.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// Data folder.
    data: PathBuf,
    /// Folder of generated forms, taken in under their mark on a first start.
    demo: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments of the command line, without the program's name: `--data DIR`, `--demo DIR`.
    ///
    /// # Errors
    /// What is understood, when something else was given.
    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Self {
            data: castor_app::data_folder(),
            demo: None,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let usage = || "usage: castor-desktop [--data DIR] [--demo DIR]".to_owned();
            let value = arguments.next().map(PathBuf::from).ok_or_else(usage)?;
            match name.to_str() {
                Some("--data") => options.data = value,
                Some("--demo") => options.demo = Some(value),
                _ => return Err(usage()),
            }
        }
        Ok(options)
    }
}

/// How opening the data folder went; `None` while it goes on.
type Opened = Option<Result<Arc<Desk>, Failure>>;

/// The desk, once its data folder is open. The window does not wait for it to be drawn.
struct Opening(watch::Receiver<Opened>);

impl Opening {
    /// Opens the data folder in the background.
    fn start(options: Options) -> Self {
        let (tell, told) = watch::channel(None);
        tauri::async_runtime::spawn(async move {
            let opened = open(options).await.map_err(|error| Failure::of(&error));
            tell.send_replace(Some(opened));
        });
        Self(told)
    }

    async fn desk(&self) -> Result<Arc<Desk>, Failure> {
        let mut told = self.0.clone();
        let opened = told
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|opened| opened.clone());
        opened.unwrap_or_else(|| Err(Failure::of(&AppError::Cut("opening the data folder".to_owned()))))
    }
}

async fn open(options: Options) -> Result<Arc<Desk>, AppError> {
    let reader = tokio::task::spawn_blocking(|| open_reader(None))
        .await
        .map_err(|error| AppError::Cut(error.to_string()))??;
    let desk = Desk::open(&options.data, reader).await?;
    if let Some(demo) = options.demo {
        desk.import_demo(demo).await?;
    }
    Ok(desk)
}

/// Does what the interface asks; see [`Desk::call`].
#[tauri::command]
async fn desk(opening: State<'_, Opening>, command: String, args: Value) -> Result<Value, Failure> {
    opening.desk().await?.call(&command, args).await
}

/// Answers `page://localhost/FORM/PAGE` with the page's picture.
fn page(app: &AppHandle, path: &str, responder: UriSchemeResponder) {
    let asked = castor_app::PageAddress::of(path);
    let told = app.state::<Opening>().0.clone();
    tauri::async_runtime::spawn(async move {
        let picture = match asked {
            Some(asked) => match Opening(told).desk().await {
                Ok(desk) => desk.page_png(&asked.form, asked.page).await.map_err(|e| e.to_string()),
                Err(failure) => Err(failure.message),
            },
            None => Err("page://localhost/FORM/PAGE".to_owned()),
        };
        responder.respond(answer(picture));
    });
}

fn answer(picture: Result<Vec<u8>, String>) -> Response<Vec<u8>> {
    let (status, kind, body) = match picture {
        Ok(png) => (StatusCode::OK, "image/png", png),
        Err(message) => (StatusCode::NOT_FOUND, "text/plain; charset=utf-8", message.into_bytes()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    // A form is named by the hash of its file: its pages never change.
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    response
}

/// Opens the window and stays until it is closed.
#[must_use]
pub fn run(options: Options) -> ExitCode {
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(tauri::generate_handler![desk])
        .register_asynchronous_uri_scheme_protocol("page", |context, request, responder| {
            page(context.app_handle(), request.uri().path(), responder);
        })
        .setup(move |app| {
            app.manage(Opening::start(options));
            WebviewWindowBuilder::new(app, "desk", WebviewUrl::App("index.html".into()))
                .title("CASTOR")
                .inner_size(1366.0, 768.0)
                .min_inner_size(900.0, 600.0)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!());
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "WIN_001 the window could not be opened: {error}; `castor desk` serves the same desk to a browser"
            );
            ExitCode::FAILURE
        }
    }
}
