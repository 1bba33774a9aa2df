//! The `castor` command.

fn main() {}
