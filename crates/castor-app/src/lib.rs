//! The desk: one function per use case, over store, reader and rules. Window, browser and command line call these.

mod backup;
mod call;
mod cells;
mod copies;
mod desk;
mod error;
mod export;
mod folders;
mod import;
mod integrity;
mod log;
mod probe;
mod quality;
mod review;
mod secrets;
mod server;
mod settings;
mod sweep;
pub mod view;

pub use backup::{Manifest, ManifestFile, backup, restore};
pub use call::OF_THIS_COMPUTER;
pub use castor_ingest::open_reader;
pub use desk::{Clock, Desk};
pub use error::AppError;
pub use folders::{data_folder, settings_folder};
pub use integrity::{Integrity, Problem, integrity, rebuild};
pub use review::PageAddress;
pub use secrets::Secret;
pub use server::{SharedAs, share_as, shared_as, whole_file};
