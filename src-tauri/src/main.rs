//! The review desk in its own window.

use std::process::ExitCode;

fn main() -> ExitCode {
    match castor_desktop::Options::of(std::env::args_os().skip(1)) {
        Ok(options) => castor_desktop::run(options),
        Err(asked) => {
            eprintln!("{asked}");
            ExitCode::from(2)
        }
    }
}
