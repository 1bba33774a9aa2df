//! Tests of the synthetic forms, through the public surface.

mod boxes;
mod corpus;
mod forms;
mod scans;
