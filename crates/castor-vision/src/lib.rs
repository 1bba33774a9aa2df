//! From page images to boxes, symbols, serial, QR and printed header.

pub mod homography;
pub mod input;
pub mod page;
mod raster;
pub mod register;
pub mod printed;
pub mod runtime;
pub mod text;
pub mod header;
pub mod recount;
pub mod signatures;
