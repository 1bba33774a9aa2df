//! A server as the environment says, until Ctrl-C: `cargo run -p castor-server --example serve -- core,e14`. With
//! `ADMIN_EMAIL` and `ADMIN_PASSWORD` set it makes that administrator first.

use castor_server::role::Role;
use castor_server::user::NewUser;
use castor_server::{Config, Service, serve};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _logs = castor_server::logs::begin()?;
    let services = std::env::args()
        .nth(1)
        .map_or(Ok(Service::ALL.into()), |list| Service::parse_list(&list))?;
    let config = Config::from_env(services)?;
    if let (Ok(email), Ok(password)) = (std::env::var("ADMIN_EMAIL"), std::env::var("ADMIN_PASSWORD")) {
        let (first_name, last_name) = ("First".to_owned(), "Administrator".to_owned());
        let new = NewUser {
            email,
            password,
            first_name,
            last_name,
            ..NewUser::default()
        };
        castor_server::add_user(config.clone(), new, Role::Admin).await?;
    }
    serve(config, |_| {}, castor_server::serve::signalled()).await?;
    Ok(())
}
