//! What the engine makes of a server of another version, and how long it waits after failures. The simulator among the
//! tests of castor-server tries everything else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use castor_store::Store;
use castor_sync::{Backoff, SyncError, Transport, round};
use castor_testkit::review::begun;
use castor_wire::sync::{Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
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

#[test]
fn waits_double_up_to_a_limit_and_heed_the_server() {
    let mut backoff = Backoff::default();
    let waits: Vec<u64> = (0..12).map(|_| backoff.wait(1.0, None).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    backoff.reset();
    assert_eq!(backoff.wait(0.0, Some(90)), Duration::from_secs(90));
}
