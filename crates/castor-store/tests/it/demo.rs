//! Generated forms, once they were taken out.

use crate::support::{begun, event, says};
use castor_domain::review::{Event, Moment};
use castor_store::{Beside, ImportOutcome, ImportState, NewImport, Store, StoreError};

fn generated() -> Vec<castor_store::NewEvent> {
    let mut events = begun(1);
    events[0] = event(
        1,
        Event::Imported {
            name: "ejemplo.pdf".to_owned(),
            demo: true,
        },
    );
    events
}

async fn give(store: &Store, name: &str, demo: bool) {
    let file = NewImport {
        source: name.to_owned(),
        origin: None,
    };
    store.add_imports(&[file], demo, Moment(1)).await.unwrap();
}

#[tokio::test]
async fn generated_forms_that_were_taken_out_do_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    give(&store, "ejemplo.pdf", true).await;
    give(&store, "ejemplo-2.pdf", true).await;
    give(&store, "acta.pdf", false).await;
    store.append("ejemplo", &generated()).await.unwrap();
    store.append("acta", &begun(11)).await.unwrap();
    assert_eq!(store.counts().await.unwrap().demo, 1);

    store.hide_demo().await.unwrap();
    // Work on one of them that was under way, in another window, and one that was being read.
    store.append("ejemplo", &[says(3, 1, 7)]).await.unwrap();
    let mut read = generated();
    read.iter_mut().for_each(|new| new.id.0 += 100);
    store.append("ejemplo-2", &read).await.unwrap();
    give(&store, "ejemplo-3.pdf", true).await;
    assert_eq!(store.counts().await.unwrap().demo, 0);
    assert!(store.form_row("acta").await.is_ok());
    let waiting = store.waiting_imports(10).await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|row| row.source.as_str()).collect();
    assert_eq!(waiting, ["acta.pdf"]);
    assert_eq!(store.stale_rows().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_is_settled_with_its_events_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    give(&store, "acta.pdf", false).await;
    let seq = store.waiting_imports(1).await.unwrap()[0].seq;
    let outcome = ImportOutcome {
        state: ImportState::Read,
        sha256: Some("acta".to_owned()),
        failure: None,
        at: Moment(2),
    };
    // An event that does not fit takes the file's outcome with it.
    let beside = || Beside::Import(seq, outcome.clone());
    let refused = store
        .append_beside("acta", |_| Ok((vec![says(3, 1, 7)], beside())))
        .await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.import_count().await.unwrap().waiting, 1);
    let kept = store
        .append_beside("acta", |_| Ok::<_, StoreError>((begun(1), beside())))
        .await;
    kept.unwrap();
    assert_eq!(store.import_count().await.unwrap().done, 1);
    assert!(store.form_row("acta").await.is_ok());
}
