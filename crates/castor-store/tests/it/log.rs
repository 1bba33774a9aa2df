//! The log: what was acknowledged is kept, in order, unchanged, and everything shown follows from it.

use crate::support::{begun, event, says};
use castor_domain::review::{Event, State};
use castor_store::{LogQuery, Order, QueueFilter, Store, StoreError};
use proptest::prelude::*;

#[tokio::test]
async fn what_was_appended_is_there_after_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    store.append("f1", &[says(3, 1, 7)]).await.unwrap();
    store.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    let case = store.case("f1").await.unwrap();
    assert_eq!(case.state(), State::InProgress);
    assert_eq!(case.waiting().count(), 1);
    let row = store.form_row("f1").await.unwrap();
    assert_eq!((row.state.as_str(), row.doubtful), ("IN_PROGRESS", 1));
}

#[tokio::test]
async fn an_event_written_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    store.append("f1", &[says(3, 1, 7)]).await.unwrap();
    store.append("f1", &[says(3, 1, 7)]).await.unwrap();
    assert_eq!(store.verify().await.unwrap().events, 3);
}

#[tokio::test]
async fn a_refused_event_leaves_the_log_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    let refused = store.append("f1", &[says(3, 1, 7), says(4, 99, 1)]).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.verify().await.unwrap().events, 2);
}

#[tokio::test]
async fn a_second_program_is_kept_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Store::open(folder.path()).await.unwrap();
    let second = Store::open(folder.path()).await;
    assert!(matches!(second, Err(StoreError::Busy(_))));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("castor.db");
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert_eq!(error.code(), "STO_004", "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), vec![b'x'; 8192]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Store::open(folder.path()).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("castor.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, 1, x'00', 1)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let error = Store::open(folder.path()).await.unwrap_err();
    assert_eq!(error.code(), "STO_003", "{error}");
}

#[tokio::test]
async fn a_changed_event_breaks_the_chain_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    store.append("f1", &[says(3, 1, 7)]).await.unwrap();
    store.append("f1", &[says(4, 2, 7)]).await.unwrap();
    assert_eq!(store.verify().await.unwrap().broken_at, None);
    store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("castor.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let refused = sqlx::query("UPDATE event SET by = 'eva' WHERE seq = 3")
        .execute(&pool)
        .await;
    assert!(refused.is_err(), "the log let itself be changed");
    sqlx::query("DROP TRIGGER event_is_not_changed")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("UPDATE event SET by = 'eva' WHERE seq = 3")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.verify().await.unwrap().broken_at, Some(3));
}

#[tokio::test]
async fn blobs_are_given_back_and_a_changed_one_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hash = store.put_blob("una página".as_bytes()).unwrap();
    assert_eq!(store.blob(&hash).unwrap(), "una página".as_bytes());
    std::fs::write(store.blob_path(&hash), b"otra").unwrap();
    assert!(matches!(store.blob(&hash), Err(StoreError::BlobChanged(_))));
    std::fs::remove_file(store.blob_path(&hash)).unwrap();
    assert!(matches!(store.blob(&hash), Err(StoreError::BlobMissing(_))));
}

#[tokio::test]
async fn a_backup_is_a_store_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    store.backup(&copy.path().join("castor.db")).await.unwrap();
    let restored = Store::open(copy.path()).await.unwrap();
    assert_eq!(restored.case("f1").await.unwrap(), store.case("f1").await.unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn rows_rebuilt_from_the_log_are_those_kept_along_the_way(
        words in prop::collection::vec((0usize..3, 1u16..=4, 0u8..10), 0..25)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).await.unwrap();
            for (form, id) in ["f0", "f1", "f2"].into_iter().zip([1u128, 3, 5]) {
                store.append(form, &begun(id)).await.unwrap();
            }
            for ((form, candidate, digit), id) in words.into_iter().zip(10u128..) {
                let form = format!("f{form}");
                store.append(&form, &[says(id, candidate, digit)]).await.unwrap();
                let case = store.case(&form).await.unwrap();
                if digit == 0 && let Some(last) = case.to_undo().first() {
                    store.append(&form, &[event(id + 1000, Event::Undone(*last))]).await.unwrap();
                }
            }
            let kept = store.queue(&QueueFilter::default(), Order::Priority, 0, 10).await.unwrap();
            store.rebuild().await.unwrap();
            let rebuilt = store.queue(&QueueFilter::default(), Order::Priority, 0, 10).await.unwrap();
            assert_eq!(kept, rebuilt);
            let log = store.log(&LogQuery { limit: 1000, ..LogQuery::default() }).await.unwrap();
            assert_eq!(i64::try_from(log.len()).unwrap(), store.verify().await.unwrap().events);
        });
    }
}
