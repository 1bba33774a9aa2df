//! Commands by name: what window, browser and tests call.

use crate::export::Scope;
use crate::view::{AuditQuery, CellAction, ExportFormat, Failure, FormAction, QueueQuery, Settings};
use crate::{AppError, Desk};
use castor_store::TableKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Deserialize)]
struct Paths {
    paths: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Paused {
    paused: bool,
}

#[derive(Deserialize)]
struct Stretch {
    offset: u32,
    limit: u32,
}

#[derive(Deserialize)]
struct Files {
    offset: u32,
    limit: u32,
    /// Those alone that failed or repeat another.
    #[serde(default)]
    trouble: bool,
}

#[derive(Deserialize)]
struct Query<T> {
    query: T,
}

#[derive(Deserialize)]
struct Next {
    query: QueueQuery,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Decide {
    id: String,
    cell: String,
    action: CellAction,
}

#[derive(Deserialize)]
struct ActOn {
    id: String,
    action: FormAction,
}

#[derive(Deserialize)]
struct Table {
    mesa: String,
    corporacion: String,
    #[serde(default)]
    demo: bool,
}

#[derive(Deserialize)]
struct Export {
    format: ExportFormat,
    /// What the queue shows; all forms without it.
    query: Option<QueueQuery>,
    /// This form alone.
    form: Option<String>,
}

#[derive(Deserialize)]
struct SaveSecret {
    name: String,
    /// `None` forgets it.
    value: Option<String>,
}

#[derive(Deserialize)]
struct SignIn {
    address: String,
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct Lease {
    count: u16,
    /// Only of this department's code.
    departamento: Option<String>,
}

#[derive(Deserialize)]
struct Release {
    /// All that are lent when empty.
    forms: Vec<String>,
}

#[derive(Deserialize)]
struct SaveFile {
    /// With its query.
    path: String,
    name: String,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    /// With its query.
    path: String,
    body: Option<Value>,
}

#[derive(Deserialize)]
struct Folder {
    path: PathBuf,
}

#[derive(Deserialize)]
struct Save {
    settings: Settings,
}

/// The arguments of a command.
fn of<T: DeserializeOwned>(arguments: Value) -> Result<T, AppError> {
    serde_json::from_value(arguments).map_err(|e| AppError::Asked(e.to_string()))
}

fn to<T: serde::Serialize>(value: T) -> Result<Value, AppError> {
    serde_json::to_value(value).map_err(|e| AppError::Asked(e.to_string()))
}

/// Commands that concern this computer and not the desk's work: a browser elsewhere may not give them.
pub const OF_THIS_COMPUTER: [&str; 7] = [
    "import_paths",
    "secret_save",
    "data_folder_save",
    // A password and the rights of the account do not go over a network in the clear.
    "server_sign_in",
    "server_sign_out",
    "server_request",
    "server_save",
];

impl Desk {
    /// Does what a command asks.
    ///
    /// # Errors
    /// [`Failure`] with a stable code and a message in plain words.
    pub async fn call(self: &Arc<Self>, command: &str, arguments: Value) -> Result<Value, Failure> {
        let called = self.called(command, arguments).await;
        if matches!(command, "decide" | "act") && called.is_ok() {
            self.syncing.somebody_works((self.clock)());
            self.syncing.has_work();
        }
        called.map_err(|error| Failure::of(&error))
    }

    async fn called(self: &Arc<Self>, command: &str, arguments: Value) -> Result<Value, AppError> {
        match command {
            "status" => to(self.status().await?),
            "import_paths" => to(self.import(of::<Paths>(arguments)?.paths, false).await?),
            "import_pause" => to(self.pause_import(of::<Paused>(arguments)?.paused).await?),
            "import_retry" => to(self.retry_import().await?),
            "import_items" => {
                let files: Files = of(arguments)?;
                to(self.import_items(files.offset, files.limit, files.trouble).await?)
            }
            "queue" => to(self.queue(&of::<Query<QueueQuery>>(arguments)?.query).await?),
            "next" => {
                let next: Next = of(arguments)?;
                to(self.next(&next.query, next.after.as_deref()).await?)
            }
            "form" => to(self.form(&of::<Id>(arguments)?.id).await?),
            "decide" => {
                let decide: Decide = of(arguments)?;
                to(self.decide(&decide.id, &decide.cell, &decide.action).await?)
            }
            "act" => {
                let act: ActOn = of(arguments)?;
                to(self.act(&act.id, &act.action).await?)
            }
            // A person opened a form, or pressed a key over one.
            "here" => {
                self.syncing.somebody_works((self.clock)());
                to(())
            }
            "copies_list" => {
                let stretch: Stretch = of(arguments)?;
                to(self.copies_list(stretch.offset, stretch.limit).await?)
            }
            "copies" => {
                let table: Table = of(arguments)?;
                let Table {
                    mesa,
                    corporacion,
                    demo,
                } = table;
                to(self
                    .copies(TableKey {
                        mesa,
                        corporacion,
                        demo,
                    })
                    .await?)
            }
            "export" => {
                let export: Export = of(arguments)?;
                let scope = match export.form {
                    Some(form) => Scope::Form(form),
                    None => Scope::Found(Box::new(export.query.unwrap_or_default())),
                };
                to(self.export(export.format, scope).await?)
            }
            "export_progress" => to(self.exporting.progress()),
            "audit" => to(self.audit(&of::<Query<AuditQuery>>(arguments)?.query).await?),
            "audit_export" => to(self.audit_export(&of::<Query<AuditQuery>>(arguments)?.query).await?),
            "audit_verify" => to(self.audit_verify().await?),
            "settings" => to(self.settings().await?),
            "settings_save" => to(self.choose_settings(of::<Save>(arguments)?.settings).await?),
            "secrets" => to(self.secrets().await?),
            "secret_save" => {
                let save: SaveSecret = of(arguments)?;
                to(self.save_secret(save.name, save.value).await?)
            }
            "data_folder_save" => to(self.choose_data_folder(&of::<Folder>(arguments)?.path)?),
            "server_sign_in" => {
                let SignIn {
                    address,
                    email,
                    password,
                } = of(arguments)?;
                to(self.server_sign_in(&address, &email, &password).await?)
            }
            "server_sign_out" => to(self.server_sign_out().await?),
            "server_sync" => to(self.server_sync().await?),
            "server_refused" => to(self.server_refused().await?),
            "server_lease" => {
                let asked: Lease = of(arguments)?;
                to(self.server_lease(asked.count, asked.departamento).await?)
            }
            "server_release" => to(self.server_release(of::<Release>(arguments)?.forms).await?),
            "server_request" => {
                let Request { method, path, body } = of(arguments)?;
                self.server_request(&method, &path, body.as_ref()).await
            }
            "server_save" => {
                let SaveFile { path, name } = of(arguments)?;
                to(self.server_save(&path, &name).await?)
            }
            "quality" => to(self.quality().await?),
            "remove_demo" => {
                self.store.hide_demo().await?;
                to(self.status().await?)
            }
            other => Err(AppError::NoSuchCommand(other.to_owned())),
        }
    }
}
