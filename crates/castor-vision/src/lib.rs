//! From page images to boxes, symbols, serial, QR and printed header.

pub mod page;
