//! A worker as the environment says, until Ctrl-C: what `castor worker` is, for tests that kill it. An argument is the address
//! at which it answers for its health.

use castor_server::{Config, Service, work};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _logs = castor_server::logs::begin()?;
    let config = Config::from_env([Service::E14].into())?;
    #[expect(clippy::print_stdout, reason = "who started it waits for this line")]
    let ready = |places| println!("{places}");
    let probes = std::env::args().nth(1).map(|address| address.parse()).transpose()?;
    work(config, probes, ready, castor_server::serve::signalled()).await?;
    Ok(())
}
