//! From page images to boxes, symbols, serial, QR and printed header.

pub mod homography;
pub mod input;
pub mod layout;
pub mod page;
#[doc(hidden)]
pub mod raster;
pub mod rules;
pub mod register;
pub mod printed;
pub mod runtime;
pub mod serial;
pub mod text;
pub mod header;
pub mod recount;
pub mod signatures;
