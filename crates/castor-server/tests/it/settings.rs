//! Configuration, and documents that must not drift from the program.

use castor_server::config::{Config, Registration, Service};
use castor_server::error::ErrorCode;
use castor_server::limit::Rate;
use castor_server::role::Role;
use castor_server::routes;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn config(services: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let services = if services.is_empty() {
        BTreeSet::new()
    } else {
        Service::parse_list(services).unwrap()
    };
    let find = |name: &str| {
        variables
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::from_variables(services, find).map_err(|error| error.0.into_iter().map(|one| one.variable).collect())
}

#[test]
fn nothing_needs_to_be_set() {
    let config = config("", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:5001");
    assert_eq!(config.services, Service::ALL.into());
    assert_eq!(config.rates.default, Rate::new(100, Duration::from_secs(3_600)));
    assert_eq!(config.rates.auth, Rate::new(20, Duration::from_secs(60)));
    assert_eq!(config.rates.read, Rate::new(60, Duration::from_secs(3_600)));
    assert_eq!(
        (config.access_ttl.as_secs(), config.refresh_ttl.as_secs()),
        (3_600, 604_800)
    );
    let cache = config.cache;
    assert_eq!(
        [cache.twitter, cache.sentiment, cache.trending].map(|ttl| ttl.as_secs()),
        [3_600, 86_400, 1_800]
    );
    assert_eq!(config.registration, Registration::Open);
}

#[test]
fn each_service_alone_has_the_port_and_database_of_the_seed() {
    for (service, port, url) in [
        ("core", 5001, "CORE_DATABASE_URL"),
        ("e14", 5002, "E14_DATABASE_URL"),
        ("dashboard", 5003, "DASHBOARD_DATABASE_URL"),
    ] {
        let own = config(
            service,
            &[
                (url, "postgresql://u:p@h:5432/own"),
                ("DATABASE_URL", "postgresql://u:p@h/all"),
            ],
        )
        .unwrap();
        assert_eq!(own.listen.port(), port);
        let of = Service::parse_list(service).unwrap().pop_first().unwrap();
        assert_eq!(own.databases.of(of).unwrap().reveal(), "postgresql://u:p@h:5432/own");
        let others = Service::ALL.into_iter().filter(|other| *other != of);
        assert!(
            others
                .clone()
                .all(|other| own.databases.of(other).unwrap().reveal().ends_with("/all"))
        );
        let moved = config(
            service,
            &[(&format!("{}_SERVICE_PORT", service.to_uppercase()), "6000")],
        )
        .unwrap();
        assert_eq!(moved.listen.port(), 6000);
    }
    assert!(Service::parse_list("core,mail").is_err());
}

#[test]
fn a_service_without_a_database_beside_others_that_have_one_is_a_mistake() {
    let one = [("CORE_DATABASE_URL", "postgresql://u:p@h/core")];
    assert_eq!(
        config("", &one).unwrap_err(),
        ["E14_DATABASE_URL", "DASHBOARD_DATABASE_URL"]
    );
    assert!(config("core", &one).is_ok());
    assert!(config("", &[]).is_ok(), "all of them in the private cluster");
    let moved = config("core", &[("E14_SERVICE_PORT", "6002")]).unwrap();
    assert_eq!(moved.discovery.e14, "http://localhost:6002");
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let wrong = [
        ("CASTOR_PORT", "70000"),
        ("DATABASE_URL", "mysql://h/db"),
        ("REDIS_URL", "localhost:6379"),
        ("E14_SERVICE_URL", "localhost:5002"),
        ("JWT_SECRET_KEY", "short"),
        ("JWT_ACCESS_TOKEN_EXPIRES", "0"),
        ("RATE_LIMIT_DEFAULT", "many"),
        ("CASTOR_TRUSTED_PROXIES", "10.0.0.0/8, everyone"),
        ("CASTOR_REGISTRATION", "maybe"),
        ("TWITTER_DAILY_LIMIT", "-1"),
        ("CASTOR_UI", "/nowhere"),
        ("CASTOR_DATABASE_CONNECTIONS", "0"),
        ("E14_ATTEMPTS", "0"),
        ("E14_QUEUE_LIMIT", "0"),
        ("E14_SOURCE", "/nowhere"),
    ];
    let mut named = config("", &wrong).unwrap_err();
    named.dedup();
    let mut expected: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    named.sort();
    expected.sort_unstable();
    assert_eq!(named, expected);
}

#[test]
fn secrets_are_not_printed() {
    let secret = "a passphrase of more than 32 characters";
    let config = config(
        "",
        &[
            ("JWT_SECRET_KEY", secret),
            ("OPENAI_API_KEY", "sk-x"),
            ("DATABASE_URL", "postgres://u:pw@h/d"),
        ],
    )
    .unwrap();
    let printed = format!("{config:?}");
    assert!(
        !printed.contains(secret) && !printed.contains("sk-x") && !printed.contains("pw@"),
        "{printed}"
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_handbook_names_every_variable_code_and_role() {
    let handbook = std::fs::read_to_string(root().join("docs/SERVER.md")).unwrap();
    let source = std::fs::read_to_string(root().join("crates/castor-server/src/config.rs")).unwrap();
    let quoted = source.split('"').skip(1).step_by(2);
    let is_variable = |text: &&str| {
        text.len() > 6
            && text.contains('_')
            && text
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let variables: Vec<&str> = quoted.filter(is_variable).collect();
    assert!(variables.len() > 30, "{variables:?}");
    for variable in variables {
        assert!(handbook.contains(variable), "{variable}");
    }
    for code in ErrorCode::ALL {
        let name = serde_json::to_value(code).unwrap();
        let row = format!("| `{}` | {} |", name.as_str().unwrap(), code.status().as_u16());
        assert!(handbook.contains(&row), "{row}");
    }
    for role in Role::ALL {
        assert!(handbook.contains(&format!("| `{}` |", role.name())), "{role:?}");
    }
}

/// `UPDATE_OPENAPI=1 cargo test -p castor-server openapi` writes the file anew.
#[test]
fn the_openapi_document_is_the_one_of_the_routes() {
    let mut document = routes(&Service::ALL.into()).openapi().to_pretty_json().unwrap();
    document.push('\n');
    let path = root().join("docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == document,
        "docs/openapi.json is out of date: run UPDATE_OPENAPI=1 cargo test -p castor-server openapi"
    );
}
