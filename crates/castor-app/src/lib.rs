//! The desk: one function per use case, over store, reader and rules. Window, browser and command line call these.

mod call;
mod cells;
mod copies;
mod desk;
mod error;
mod export;
mod import;
mod log;
mod reader;
mod review;
mod settings;
pub mod view;

pub use desk::{Clock, Desk, data_folder};
pub use error::AppError;
pub use reader::open_reader;
pub use review::PageAddress;
