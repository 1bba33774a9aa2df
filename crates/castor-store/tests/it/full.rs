//! A disk that takes no more: said in plain words, and nothing acknowledged is lost.

use crate::support::begun;
use castor_store::{Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Folder that the writing process works in; without it the test of that name does nothing.
const FOLDER: &str = "CASTOR_FULL_FOLDER";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// The process whose files may not grow: appends until it is told why not.
#[test]
#[expect(clippy::print_stdout, reason = "the process that started it listens")]
fn filler() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    block_on(async {
        let store = Store::open(Path::new(&folder)).await.unwrap();
        for n in 0..10_000u128 {
            match store.append(&format!("f{n}"), &begun(n * 2 + 1)).await {
                Ok(_) => println!("acknowledged f{n}"),
                Err(error) => {
                    println!("refused {} {error}", error.code());
                    return;
                }
            }
        }
    });
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_what_was_acknowledged_is_there() {
    let folder = tempfile::tempdir().unwrap();
    // Files of the process may grow to 1 MiB; writing beyond gives an error, as on a disk that is full.
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 2048; exec \"$0\" --exact full::filler --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let after = |start: &str| -> Vec<String> {
        let lines = said.lines().filter_map(|line| line.split(start).nth(1));
        lines.map(|text| text.trim().to_owned()).collect()
    };
    let refused = after("refused ");
    assert_eq!(refused.len(), 1, "{said}");
    assert!(
        refused[0].starts_with("STO_005") || refused[0].starts_with("STO_011"),
        "{refused:?}"
    );
    let acknowledged = after("acknowledged ");
    assert!(acknowledged.len() > 10, "{said}");
    block_on(async {
        let store = Store::open(folder.path()).await.unwrap();
        assert_eq!(store.verify().await.unwrap().broken_at, None);
        assert_eq!(store.damage().await.unwrap(), Vec::<String>::new());
        let kept = store.forms_of_log().await.unwrap();
        for form in acknowledged {
            assert!(kept.contains(&form), "{form} is lost");
        }
        store.append("later", &begun(900_001)).await.unwrap();
    });
}

#[tokio::test]
async fn a_database_that_others_use_is_busy_and_not_broken() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("busy.db"))
        .create_if_missing(true)
        .busy_timeout(Duration::ZERO);
    let mut one = options.connect().await.unwrap();
    let mut other = options.connect().await.unwrap();
    let _held = one.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let busy = other.begin_with("BEGIN IMMEDIATE").await.err().unwrap();
    for error in [busy, sqlx::Error::PoolTimedOut] {
        assert_eq!(StoreError::from(error).code(), "STO_013");
    }
}
