//! What the engine makes of a server of another version, and how long it waits after failures. The simulator among the
//! tests of castor-server tries everything else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use castor_store::Store;
use castor_sync::{Backoff, SyncError, Transport, round, sending};
use castor_testkit::review::begun;
use castor_wire::sync::{
    Lease, LeaseRequest, Outcome, PROTOCOL, PullAnswer, Push, PushAnswer, READ_BY_SERVER, Settled, SyncState,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A server that speaks one version alone, and with which nobody gets further than that.
struct OfVersion(u16);

impl Transport for OfVersion {
    async fn state(&self, _: &str) -> Result<SyncState, SyncError> {
        Ok(SyncState {
            protocol: self.0,
            oldest: self.0,
            next: 1,
            last: 0,
        })
    }

    async fn push(&self, _: &Push) -> Result<PushAnswer, SyncError> {
        panic!("events were sent to a server of another version")
    }

    async fn pull(&self, _: &str, _: u64, _: u16) -> Result<PullAnswer, SyncError> {
        panic!("events were asked of a server of another version")
    }

    async fn lease(&self, _: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        panic!("forms were asked of a server of another version")
    }
}

#[tokio::test]
async fn a_server_of_another_version_is_told_apart_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append(&format!("{:064x}", 1), &begun(1)).await.unwrap();
    let error = round(&store, &OfVersion(9)).await.unwrap_err();
    assert!(
        matches!(&error, SyncError::Refused(message) if message.contains("SYNC_VERSION")),
        "{error}"
    );
    assert_eq!(store.sync_count().await.unwrap().pending, 2);
}

#[tokio::test]
async fn forms_that_the_server_reads_itself_are_no_refused_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    for form in 1..=3 {
        store.append(&format!("{form:064x}"), &begun(10 * form)).await.unwrap();
    }
    let refused = |counter, code: &str| Settled {
        counter,
        outcome: Outcome::Refused {
            code: code.to_owned(),
            message: "so that".to_owned(),
        },
    };
    let accepted = |counter| Settled {
        counter,
        outcome: Outcome::Accepted { global: counter },
    };
    // Each form is taken in and read.
    let settled = [
        accepted(1),
        refused(2, READ_BY_SERVER),
        accepted(3),
        refused(4, READ_BY_SERVER),
        refused(5, "SYNC_ROLE"),
        refused(6, "REV_WORKED_ON"),
    ];
    store.settle(&settled).await.unwrap();
    let count = store.sync_count().await.unwrap();
    assert_eq!((count.pending, count.refused, count.read_by_server), (0, 2, 2));
    let told: Vec<String> = store
        .refused(10)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.code)
        .collect();
    assert_eq!(told, ["REV_WORKED_ON", "SYNC_ROLE"]);
}

#[test]
fn waits_double_up_to_a_limit_and_heed_the_server() {
    let mut backoff = Backoff::default();
    let waits: Vec<u64> = (0..12).map(|_| backoff.wait(1.0, None).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    backoff.reset();
    assert_eq!(backoff.wait(0.0, Some(90)), Duration::from_secs(90));
}

/// A server that accepts every event, and that has as many of the laptop's as it says.
#[derive(Default)]
struct Accepting(AtomicU64);

impl Transport for Accepting {
    async fn state(&self, _: &str) -> Result<SyncState, SyncError> {
        let last = self.0.load(Ordering::SeqCst);
        Ok(SyncState {
            protocol: PROTOCOL,
            oldest: 1,
            next: last + 1,
            last,
        })
    }

    async fn push(&self, push: &Push) -> Result<PushAnswer, SyncError> {
        let settled = push.events.iter().map(|pushed| Settled {
            counter: pushed.counter,
            outcome: Outcome::Accepted { global: pushed.counter },
        });
        let settled: Vec<Settled> = settled.collect();
        let last = settled.iter().map(|one| one.counter).max().unwrap();
        self.0.store(last, Ordering::SeqCst);
        Ok(PushAnswer {
            next: last + 1,
            settled,
        })
    }

    async fn pull(&self, _: &str, _: u64, _: u16) -> Result<PullAnswer, SyncError> {
        panic!("an account that sends alone asked for events")
    }

    async fn lease(&self, _: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        panic!("an account that sends alone asked for forms")
    }
}

#[tokio::test]
async fn a_server_that_forgot_an_account_that_only_sends_is_offered_its_files_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let server = Accepting::default();
    let forms = [1, 2].map(|n| format!("{n:064x}"));
    for (form, id) in forms.iter().zip([1, 11]) {
        store.append(form, &begun(id)).await.unwrap();
        sending(&store, &server).await.unwrap();
        assert_eq!(store.files_to_send(10).await.unwrap(), std::slice::from_ref(form));
        store.file_arrived(form).await.unwrap();
    }
    // A round more says nothing new.
    sending(&store, &server).await.unwrap();
    assert_eq!(store.files_to_send(10).await.unwrap(), Vec::<String>::new());
    // Restored from a backup that has the first form alone.
    server.0.store(2, Ordering::SeqCst);
    sending(&store, &server).await.unwrap();
    assert_eq!(server.0.load(Ordering::SeqCst), 4);
    assert_eq!(store.files_to_send(10).await.unwrap(), [forms[1].clone()]);
}
