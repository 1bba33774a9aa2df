//! The log: what was acknowledged is kept, in order, unchanged, and everything shown follows from it.

use crate::support::{begun, event, placed, says};
use castor_domain::review::{Act, Event, Moment, Round, State};
use castor_store::{LogQuery, NewEvent, Order, QueueFilter, Store, StoreError};
use proptest::prelude::*;
use std::collections::BTreeSet;

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
async fn a_program_that_is_about_to_end_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).await.unwrap();
    let ends = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        first.close().await;
    };
    let (second, ()) = tokio::join!(Store::open(folder.path()), ends);
    second.unwrap();
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
async fn the_log_keeps_its_order_when_the_clock_is_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(100)).await.unwrap();
    let mut later = says(201, 1, 7);
    later.at = Moment(5_000);
    let mut earlier = says(202, 1, 8);
    earlier.at = Moment(10);
    store.append("f1", &[later]).await.unwrap();
    store.append("f1", &[earlier]).await.unwrap();
    let cell = says(0, 1, 0);
    let Event::Act(Act::Cell { field, .. }) = cell.event else {
        panic!()
    };
    let said = |case: &castor_domain::review::Case| case.decision(&field).unwrap().value;
    assert_eq!(
        said(&store.case("f1").await.unwrap()),
        Some(8),
        "the word said last counts"
    );
    store.rebuild().await.unwrap();
    let log = store
        .log(&LogQuery {
            limit: 2,
            ..LogQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(
        log.iter().map(|row| row.at).collect::<Vec<_>>(),
        [Moment(10), Moment(5_000)]
    );
    assert_eq!(store.verify().await.unwrap().broken_at, None);
    assert_eq!(store.stale_rows().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_row_that_does_not_follow_from_the_log_is_stale_until_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    store.append("f2", &begun(3)).await.unwrap();
    store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("castor.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("UPDATE form SET doubtful = 9 WHERE id = 'f2'")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.stale_rows().await.unwrap(), ["f2"]);
    assert_eq!(
        store.form_row("f2").await.unwrap().doubtful,
        9,
        "looking changed something"
    );
    store.rebuild().await.unwrap();
    assert_eq!(store.stale_rows().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_second_form_of_the_same_sheet_is_recognised_and_both_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &placed(1, 1)).await.unwrap();
    store.append("f2", &placed(3, 2)).await.unwrap();
    store.append("f3", &placed(5, 1)).await.unwrap();
    let same = |row: castor_store::FormRow| (row.same_sheet, row.reasons.contains(&"DUPLICATE_FORM".to_owned()));
    assert_eq!(same(store.form_row("f1").await.unwrap()), (None, false));
    assert_eq!(same(store.form_row("f2").await.unwrap()), (None, false), "another page");
    assert_eq!(same(store.form_row("f3").await.unwrap()), (Some("f1".to_owned()), true));
    store.append("f1", &[says(7, 1, 7)]).await.unwrap();
    assert_eq!(
        same(store.form_row("f1").await.unwrap()),
        (None, false),
        "the first stays the first"
    );
    let filter = QueueFilter {
        reasons: vec!["DUPLICATE_FORM".to_owned()],
        ..QueueFilter::default()
    };
    assert_eq!(store.queue(&filter, Order::Priority, 0, 10).await.unwrap().0, 1);
    assert_eq!(store.stale_rows().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_is_written_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let head = snapshot.head().await.unwrap();
    store.append("f1", &[says(9, 1, 7)]).await.unwrap();
    store.append("f2", &begun(10)).await.unwrap();
    let ids = snapshot.ids(&QueueFilter::default(), Order::Table).await.unwrap();
    assert_eq!(ids, ["f1"]);
    let forms = snapshot.forms(&ids).await.unwrap();
    assert_eq!(forms[0].log.entries.len(), 2);
    assert_eq!(forms[0].log.case.state(), State::Pending);
    assert_eq!(snapshot.head().await.unwrap(), head);
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

#[tokio::test]
async fn a_form_read_twice_is_kept_from_those_who_read_it_and_then_asked_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let by = |name: &str, new: NewEvent| NewEvent {
        by: name.to_owned(),
        ..new
    };
    let again = |id: u128, candidate: u16, digit: u8| {
        let mut new = says(id, candidate, digit);
        if let Event::Act(Act::Cell { round, .. }) = &mut new.event {
            *round = Round::Second;
        }
        by("bea", new)
    };
    store.append("f1", &begun(1)).await.unwrap();
    store.append("f2", &begun(3)).await.unwrap();
    let mut first = vec![says(10, 1, 7), says(11, 2, 8), event(12, Event::Act(Act::Complete))];
    first.push(by("castor", event(13, Event::Act(Act::AskSecond))));
    store.append("f1", &first).await.unwrap();
    let ids = async |reader: &str| {
        let filter = QueueFilter {
            reader: Some(reader.to_owned()),
            ..QueueFilter::default()
        };
        let (_, rows) = store.queue(&filter, Order::Table, 0, 10).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids("ana").await, ["f2".to_owned()].into());
    assert_eq!(ids("bea").await.len(), 2);
    assert_eq!(store.form_row("f1").await.unwrap().barred, ["ana"]);

    store.append("f1", &[again(20, 1, 7), again(21, 2, 8)]).await.unwrap();
    let all = QueueFilter::default();
    for (person, due) in [("ana", None), ("bea", None), ("caro", Some("f1"))] {
        let found = store.form_to_probe(&all, person, 7).await.unwrap();
        assert_eq!(found.as_deref(), due, "{person}");
    }
    let rows = store.queue(&all, Order::Priority, 0, 10).await.unwrap();
    store.rebuild().await.unwrap();
    assert_eq!(store.queue(&all, Order::Priority, 0, 10).await.unwrap(), rows);
    assert_eq!(
        store.form_to_probe(&all, "caro", 7).await.unwrap().as_deref(),
        Some("f1")
    );

    // One pass shows each form that was worked on, whole.
    let mut shown = Vec::new();
    store
        .each_worked(|form, case| shown.push((form.to_owned(), case.pairs().len())))
        .await
        .unwrap();
    assert_eq!(shown, [("f1".to_owned(), 2)]);
}

#[tokio::test]
async fn what_is_made_of_a_form_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.append("f1", &begun(1)).await.unwrap();
    let log = store
        .append_with("f1", |case| {
            assert_eq!(case.state(), State::Pending);
            Ok::<_, StoreError>(vec![says(3, 1, 7)])
        })
        .await
        .unwrap();
    assert_eq!((log.entries.len(), log.case.state()), (3, State::InProgress));
    assert_eq!(store.form_log("f1").await.unwrap(), log);
    let refused = store.append_with("f1", |_| Err(StoreError::Full)).await;
    assert!(matches!(refused, Err(StoreError::Full)));
    assert_eq!(store.verify().await.unwrap().events, 3);
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
                if digit == 0 && let Some(last) = case.to_undo("ana").first() {
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

#[tokio::test]
async fn the_queue_goes_on_behind_any_form_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    for n in 0..30u128 {
        let events = if n % 3 == 0 {
            placed(n * 10 + 1, 1)
        } else {
            begun(n * 10 + 1)
        };
        store.append(&format!("f{n:02}"), &events).await.unwrap();
    }
    let filter = QueueFilter::default();
    for order in [Order::Priority, Order::Uncertainty, Order::Impact, Order::Table] {
        let (_, rows) = store.queue(&filter, order, 0, 500).await.unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids.len(), 30);
        for pair in ids.windows(2) {
            let next = store.behind(&filter, order, Some(pair[0])).await.unwrap();
            assert_eq!(next.as_deref(), Some(pair[1]), "{order:?}");
        }
        let around = store.behind(&filter, order, Some(ids[29])).await.unwrap();
        assert_eq!(around.as_deref(), Some(ids[0]));
        let first = store.behind(&filter, order, None).await.unwrap();
        assert_eq!(first.as_deref(), Some(ids[0]));
    }
    let nothing = QueueFilter {
        states: vec!["COMPLETED".to_owned()],
        ..filter
    };
    assert_eq!(
        store.behind(&nothing, Order::Priority, Some("f01")).await.unwrap(),
        None
    );
}
