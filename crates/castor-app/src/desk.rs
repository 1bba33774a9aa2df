//! The desk itself: what every use case needs.

use crate::AppError;
use crate::export::Exporting;
use crate::folders::settings_folder;
use crate::import::Importing;
use crate::secrets::Secrets;
use crate::server::Syncing;
use crate::sweep::sweep;
use crate::view::{DeskStatus, StateCount};
use castor_domain::review::{EventId, Moment, State};
use castor_store::{NewEvent, Store};
use castor_vision::read::FormReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What time it is. Tests give their own.
pub type Clock = fn() -> Moment;

/// The time of this computer.
fn now() -> Moment {
    let nanoseconds = OffsetDateTime::now_utc().unix_timestamp_nanos();
    Moment(i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX))
}

/// A moment as RFC 3339, in UTC.
pub(crate) fn rfc3339(moment: Moment) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment.0) * 1_000_000)
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// The desk of one data folder.
#[derive(Debug)]
pub struct Desk {
    pub(crate) store: Store,
    pub(crate) reader: Arc<FormReader>,
    pub(crate) clock: Clock,
    pub(crate) importing: Importing,
    pub(crate) exporting: Exporting,
    pub(crate) secrets: Secrets,
    pub(crate) syncing: Syncing,
    /// Settings that come before the data folder.
    pub(crate) settings_folder: PathBuf,
}

impl Desk {
    /// Opens the desk of a data folder.
    ///
    /// # Errors
    /// [`AppError::Store`] when the folder cannot be used.
    pub async fn open(folder: &Path, reader: FormReader) -> Result<Arc<Self>, AppError> {
        Self::with(folder, reader, now, settings_folder()).await
    }

    /// The same with another clock and another folder of settings.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub async fn with(
        folder: &Path,
        reader: FormReader,
        clock: Clock,
        settings: PathBuf,
    ) -> Result<Arc<Self>, AppError> {
        let store = Store::open(folder).await?;
        sweep(&store).await?;
        let desk = Arc::new(Self {
            store,
            reader: Arc::new(reader),
            clock,
            importing: Importing::default(),
            exporting: Exporting::default(),
            secrets: Secrets::of(folder, &settings),
            syncing: Syncing::default(),
            settings_folder: settings,
        });
        desk.importing.start(&desk).await?;
        desk.syncing.start(&desk);
        Ok(desk)
    }

    /// Takes generated forms in under their mark, if nothing was ever taken in and they were not taken out.
    ///
    /// # Errors
    /// [`AppError::Store`] when the database fails.
    pub async fn import_demo(&self, folder: PathBuf) -> Result<(), AppError> {
        if self.store.imports(0, 1, false).await?.0 == 0 && !self.store.demo_removed().await? {
            self.import(vec![folder], true).await?;
        }
        Ok(())
    }

    /// The store, for backup and inspection.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// An event of a person or of the machine, now.
    pub(crate) fn event(&self, by: &str, event: castor_domain::review::Event) -> NewEvent {
        let at = (self.clock)();
        NewEvent {
            id: EventId(uuid::Uuid::now_v7().as_u128()),
            at,
            by: by.to_owned(),
            event,
        }
    }

    /// The state of the desk.
    pub(crate) async fn status(&self) -> Result<DeskStatus, AppError> {
        let counts = self.store.counts().await?;
        let settings = self.settings().await?;
        let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        let server = self.server_view().await?;
        let pending = match server {
            Some(_) => Some(small(self.store.sync_count().await?.pending)),
            None => None,
        };
        Ok(DeskStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: self.reader.model_version().to_owned(),
            threshold: self.reader.threshold(),
            pace: self.pace(&settings.person).await?,
            person: settings.person,
            import: self.import_status().await?,
            forms: counts
                .states
                .into_iter()
                .filter_map(|(state, count)| {
                    let state = State::ALL.into_iter().find(|s| s.name() == state)?;
                    Some(StateCount {
                        state: state.into(),
                        count: small(count),
                    })
                })
                .collect(),
            doubtful: small(counts.doubtful),
            demo: small(counts.demo),
            pending,
            server,
            data_folder: self.store.folder().display().to_string(),
        })
    }
}
