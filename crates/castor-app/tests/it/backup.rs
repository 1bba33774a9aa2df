//! Backups come back whole or not at all, and damage is named.

use castor_app::{backup, integrity, rebuild, restore};
use castor_domain::review::{Event, EventId, Moment};
use castor_store::{NewEvent, Order, QueueFilter, Store};
use std::path::{Path, PathBuf};

/// A store with three forms that could not be read, each with its file.
async fn filled(folder: &Path) -> (Store, Vec<String>) {
    let store = Store::open(folder).await.unwrap();
    let mut ids = Vec::new();
    for n in 1..=3u8 {
        let id = store.put_blob(&vec![n; 5000]).unwrap();
        let event = |k: u8, event: Event| NewEvent {
            id: EventId(u128::from(n * 10 + k)),
            at: Moment(i64::from(n)),
            by: "castor".to_owned(),
            event,
        };
        let imported = Event::Imported {
            name: format!("acta-{n}.pdf"),
            demo: false,
        };
        let unreadable = Event::Unreadable {
            code: "INP_001".to_owned(),
            message: "no es un formulario".to_owned(),
        };
        store
            .append(&id, &[event(1, imported), event(2, unreadable)])
            .await
            .unwrap();
        ids.push(id);
    }
    (store, ids)
}

async fn codes(store: &Store) -> Vec<&'static str> {
    integrity(store)
        .await
        .unwrap()
        .problems
        .iter()
        .map(|p| p.code)
        .collect()
}

fn flip(path: &Path, place: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[place] ^= 0xff;
    std::fs::write(path, bytes).unwrap();
}

fn nothing_but(folder: &Path, names: &[&str]) {
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, names);
}

#[tokio::test]
async fn a_backup_comes_back_with_every_event_and_file() {
    let work = tempfile::tempdir().unwrap();
    let (store, ids) = filled(&work.path().join("data")).await;
    for name in ["copia", "copia.zip"] {
        let target = work.path().join(name);
        let written = backup(&store, &target).await.unwrap();
        assert_eq!((written.events, written.files.len()), (6, 4));
        let again = work.path().join(format!("{name}-restored"));
        assert_eq!(restore(&target, &again).await.unwrap(), written);
        let restored = Store::open(&again).await.unwrap();
        assert_eq!(integrity(&restored).await.unwrap().problems, []);
        assert_eq!(restored.verify().await.unwrap(), store.verify().await.unwrap());
        for id in &ids {
            assert_eq!(restored.blob(id).unwrap(), store.blob(id).unwrap());
        }
        assert_eq!(
            restored
                .queue(&QueueFilter::default(), Order::Table, 0, 10)
                .await
                .unwrap(),
            store.queue(&QueueFilter::default(), Order::Table, 0, 10).await.unwrap()
        );
    }
    nothing_but(
        work.path(),
        &["copia", "copia-restored", "copia.zip", "copia.zip-restored", "data"],
    );
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_nothing_appears() {
    let work = tempfile::tempdir().unwrap();
    let (store, ids) = filled(&work.path().join("data")).await;
    type Spoil<'a> = &'a dyn Fn(&PathBuf);
    let damage: [(&str, Spoil<'_>); 5] = [
        ("flipped.d", &|p| flip(&p.join("castor.db"), 5000)),
        ("dropped.d", &|p| {
            std::fs::remove_file(p.join("blobs").join(&ids[0][..2]).join(&ids[0])).unwrap()
        }),
        ("unlisted.d", &|p| std::fs::write(p.join("manifest.json"), "{").unwrap()),
        ("cut.zip", &|p| {
            let bytes = std::fs::read(p).unwrap();
            std::fs::write(p, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("flipped.zip", &|p| flip(p, 2000)),
    ];
    for (name, spoil) in damage {
        let copy = work.path().join(name);
        backup(&store, &copy).await.unwrap();
        spoil(&copy);
        let target = work.path().join("again");
        let error = restore(&copy, &target).await.unwrap_err();
        assert_eq!(error.code(), "APP_006", "{name}: {error}");
        assert!(!target.exists(), "{name} left something behind");
    }
}

#[tokio::test]
async fn a_backup_that_was_cut_off_is_taken_away_by_the_next_one() {
    let work = tempfile::tempdir().unwrap();
    let (store, _) = filled(&work.path().join("data")).await;
    let part = |n: u8| {
        work.path()
            .join(format!(".01890a5d-ac96-774b-bcce-b302099a805{n}.part"))
    };
    for n in 0..2 {
        std::fs::create_dir(part(n)).unwrap();
        std::fs::write(part(n).join("castor.db"), b"half").unwrap();
    }
    // One that is being written is held by its program.
    let held = std::fs::File::open(part(1)).unwrap();
    held.try_lock().unwrap();
    backup(&store, &work.path().join("copia.zip")).await.unwrap();
    assert!(!part(0).exists());
    assert!(part(1).exists());
    drop(held);
    restore(&work.path().join("copia.zip"), &work.path().join("again"))
        .await
        .unwrap();
    nothing_but(work.path(), &["again", "copia.zip", "data"]);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_neither_does_its_return() {
    let work = tempfile::tempdir().unwrap();
    let (store, _) = filled(&work.path().join("data")).await;
    let copy = work.path().join("copia.zip");
    backup(&store, &copy).await.unwrap();
    assert_eq!(backup(&store, &copy).await.unwrap_err().code(), "APP_003");
    let before = store.verify().await.unwrap();
    assert_eq!(
        restore(&copy, &work.path().join("data")).await.unwrap_err().code(),
        "APP_003"
    );
    assert_eq!(store.verify().await.unwrap(), before);
}

#[tokio::test]
async fn files_that_are_missing_or_changed_are_named() {
    let work = tempfile::tempdir().unwrap();
    let (store, ids) = filled(work.path()).await;
    assert_eq!(codes(&store).await, Vec::<&str>::new());
    std::fs::remove_file(store.blob_path(&ids[0])).unwrap();
    flip(&store.blob_path(&ids[1]), 10);
    let mut found = codes(&store).await;
    found.sort_unstable();
    assert_eq!(found, ["STO_006", "STO_007"]);
    let other = tempfile::tempdir().unwrap();
    let written = backup(&store, &other.path().join("copia")).await.unwrap();
    assert_eq!(written.missing.len(), 2);
}

#[tokio::test]
async fn a_byte_changed_in_the_database_is_noticed() {
    let work = tempfile::tempdir().unwrap();
    let (store, _) = filled(work.path()).await;
    store.close().await;
    let path = work.path().join("castor.db");
    let bytes = std::fs::read(&path).unwrap();
    let name = b"acta-2.pdf";
    let places: Vec<usize> = (0..bytes.len() - name.len())
        .filter(|&i| &bytes[i..i + name.len()] == name)
        .collect();
    assert!(!places.is_empty());
    for place in places {
        std::fs::write(&path, &bytes).unwrap();
        flip(&path, place);
        let store = Store::open(work.path()).await.unwrap();
        let found = codes(&store).await;
        assert!(!found.is_empty(), "the byte at {place} was changed unnoticed");
        store.close().await;
    }
}

#[tokio::test]
async fn rows_that_do_not_follow_from_the_log_are_named_and_written_afresh() {
    let work = tempfile::tempdir().unwrap();
    let (store, _) = filled(work.path()).await;
    store.close().await;
    // The second place of a file's name is in the row that is shown, not in the log.
    let path = work.path().join("castor.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let row = b"acta-2.pdf";
    let body = br#""acta-2.pdf""#;
    let of_log: Vec<usize> = (1..bytes.len() - body.len())
        .filter(|&i| &bytes[i..i + body.len()] == body)
        .collect();
    for i in 0..bytes.len() - row.len() {
        if &bytes[i..i + row.len()] == row && !of_log.contains(&(i - 1)) {
            bytes[i] = b'A';
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let store = Store::open(work.path()).await.unwrap();
    assert_eq!(codes(&store).await, ["INT_002"]);
    rebuild(&store).await.unwrap();
    assert_eq!(codes(&store).await, Vec::<&str>::new());
}
