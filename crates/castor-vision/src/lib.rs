//! From page images to boxes, symbols, serial, QR and printed header.

pub mod conceal;
mod crop;
pub mod header;
pub mod homography;
pub mod input;
pub mod labels;
pub mod layout;
pub mod page;
pub mod printed;
pub mod qr;
mod raster;
pub mod read;
pub mod recount;
pub mod register;
mod rules;
pub mod runtime;
pub mod serial;
pub mod signatures;
mod simd;
pub mod symbols;
pub mod text;
