//! `castor bench server|chaos|scale`: what the server bears, on a scratch cluster of its own that is removed afterwards.
//! docs/SERVER.md has the figures with the machine that they are from.

mod chaos;
mod forms;
mod scale;
mod server;
mod site;
mod uploads;

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;
use std::time::Duration;

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Review events accepted a second against bare inserts of the same rows; laptops that pull; times at half of the peak.
    Server(server::ServerArguments),
    /// Laptops at work and forms sent to be read while a worker, Redis and one of two servers are killed in turn.
    Chaos(chaos::ChaosArguments),
    /// Queue, pull, totals and readings to be queued over a country of generated forms, with their plans.
    Scale(scale::ScaleArguments),
}

/// Measures.
pub(crate) fn run(bench: Bench) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match bench {
            Bench::Server(arguments) => server::bench(&arguments).await,
            Bench::Chaos(arguments) => chaos::bench(&arguments).await,
            Bench::Scale(arguments) => scale::bench(&arguments).await,
        }
    })
}

/// Times, for their shares.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that a share of a hundred do not exceed, in milliseconds; not a number without any.
    pub(crate) fn percentile(&mut self, hundredths: usize) -> f64 {
        self.0.sort_unstable();
        let at = (self.0.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.0.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}
