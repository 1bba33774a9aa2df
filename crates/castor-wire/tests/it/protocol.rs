//! Version 1 of the sync protocol, frozen: what each message looks like stands in `golden/`. A change of one of these files
//! is a new version of the protocol.

use castor_wire::sync::{
    BlobKind, BlobState, Lease, LeaseRequest, Outcome, PROTOCOL, PullAnswer, Pulled, Push, PushAnswer, Pushed, Settled,
    SyncEvent, SyncState,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::Path;

/// A message is written as its golden file says, and the file is read as the message.
fn frozen<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &T) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/golden")
        .join(format!("{name}.json"));
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let written = serde_json::to_string_pretty(message).unwrap();
    assert_eq!(written, golden.trim_end(), "{name} is no longer what version 1 says");
    assert_eq!(&serde_json::from_str::<T>(&golden).unwrap(), message, "{name}");
}

fn event() -> SyncEvent {
    SyncEvent {
        id: "018f4a1c-0000-7000-8000-000000000001".to_owned(),
        form: "ab".repeat(32),
        at: 1_780_000_000_000,
        by: "Ana Pérez".to_owned(),
        body: r#"{"kind":"completed"}"#.to_owned(),
    }
}

#[test]
fn messages_of_version_1_are_written_as_they_always_were() {
    assert_eq!(PROTOCOL, 1);
    frozen(
        "state",
        &SyncState {
            protocol: 1,
            oldest: 1,
            next: 8,
            last: 41,
        },
    );
    let pushed = Pushed {
        counter: 7,
        event: event(),
    };
    let client = "018f4a1c000070008000000000000002".to_owned();
    frozen(
        "push",
        &Push {
            protocol: 1,
            client: client.clone(),
            events: vec![pushed],
        },
    );
    let refused = Outcome::Refused {
        code: "REV_STATE".to_owned(),
        message: "the form does not take this".to_owned(),
    };
    let settled = vec![
        Settled {
            counter: 7,
            outcome: Outcome::Accepted { global: 42 },
        },
        Settled {
            counter: 8,
            outcome: refused,
        },
    ];
    frozen("push_answer", &PushAnswer { next: 9, settled });
    frozen(
        "push_answer_gap",
        &PushAnswer {
            next: 3,
            settled: Vec::new(),
        },
    );
    let pulled = Pulled {
        global: 42,
        event: event(),
    };
    frozen(
        "pull_answer",
        &PullAnswer {
            events: vec![pulled],
            upto: 42,
            more: true,
        },
    );
    let departamento = Some("01".to_owned());
    frozen(
        "lease_request",
        &LeaseRequest {
            client,
            count: 20,
            departamento,
        },
    );
    frozen(
        "lease",
        &vec![Lease {
            form: "ab".repeat(32),
            until: 1_780_000_900_000,
        }],
    );
    frozen(
        "blob_state",
        &BlobState {
            bytes: 524_288,
            whole: false,
        },
    );
}

#[test]
fn kinds_of_attachments_have_their_names() {
    for (kind, name) in [(BlobKind::File, "file"), (BlobKind::Pages, "pages")] {
        assert_eq!(kind.name(), name);
        assert_eq!(BlobKind::parse(name), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
    }
    assert_eq!(BlobKind::parse("page"), None);
}
