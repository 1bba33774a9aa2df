//! `castor serve --check` before anything was made.

use crate::world::{World, database, folder, free_port};
use castor_server::config::{Config, Service};
use castor_server::{State, check};
use std::net::SocketAddr;
use std::path::Path;

fn config(data: &Path, variables: &[(&str, &str)]) -> Config {
    let data = data.to_str().unwrap().to_owned();
    let variable = |name: &str| match name {
        "CASTOR_DATA" => Some(data.clone()),
        _ => {
            let given = variables.iter().find(|(given, _)| *given == name);
            given.map(|(_, value)| (*value).to_owned())
        }
    };
    let mut config = Config::from_variables(Service::ALL.into(), variable).unwrap();
    config.listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    config
}

#[tokio::test]
async fn a_look_before_the_first_start_makes_nothing_and_says_what_would_be_made() {
    let place = folder();
    let data = place.path().join("castor");
    let checks = check(config(&data, &[])).await.unwrap();
    assert!(!data.exists());
    for name in ["data", "objects", "signing key", "database"] {
        let told = checks
            .iter()
            .filter(|check| check.name == name && check.state == State::Ok);
        let reasons: Vec<_> = told.filter_map(|check| check.reason.clone()).collect();
        assert!(
            reasons
                .iter()
                .any(|reason| reason.contains("serve makes") && reason.contains(data.to_str().unwrap())),
            "{name}: {checks:?}"
        );
    }
    assert!(checks.iter().all(|check| check.state != State::Down), "{checks:?}");
    let url = database().await;
    let checks = check(config(&data, &[("DATABASE_URL", &url)])).await.unwrap();
    assert!(!data.exists());
    assert!(
        checks
            .iter()
            .any(|check| check.name == "database:core" && check.state == State::Ok),
        "{checks:?}"
    );
}

#[tokio::test]
async fn a_look_leaves_what_is_there_as_it_is_and_says_that_the_port_is_taken() {
    let world = World::new().await;
    let key = world.data.path().join("keys/jwt.pem");
    let before = std::fs::read(&key).unwrap();
    let mut config = world.config();
    let checks = check(config.clone()).await.unwrap();
    assert!(checks.iter().all(|check| check.state != State::Down), "{checks:?}");
    config.listen = world.url.strip_prefix("http://").unwrap().parse().unwrap();
    let checks = check(config).await.unwrap();
    let address = checks.iter().find(|check| check.name == "address").unwrap();
    assert_eq!(address.state, State::Down, "{checks:?}");
    assert_eq!(std::fs::read(&key).unwrap(), before);
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_said() {
    let place = folder();
    let data = place.path().join("file");
    std::fs::write(&data, "").unwrap();
    let error = check(config(&data, &[])).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the data folder cannot be used"),
        "{error}"
    );
}
