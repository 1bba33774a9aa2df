//! Files by their hash: what is kept is what was hashed, and nothing is left lying.

use castor_store::{Page, Store, StoreError, sha256};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Page files in a folder, and the hash of the form that they are.
fn pages(folder: &Path, contents: &[&[u8]]) -> (Vec<Page>, String) {
    std::fs::create_dir_all(folder).unwrap();
    let mut whole = Sha256::new();
    let page = |(number, bytes): (u8, &&[u8])| {
        let path = folder.join(format!("{number}.png"));
        std::fs::write(&path, bytes).unwrap();
        whole.update(Sha256::digest(bytes));
        Page {
            sha256: sha256(bytes),
            path,
        }
    };
    let pages = (1..).zip(contents).map(page).collect();
    (pages, castor_store::hex(&whole.finalize()))
}

/// Every file and folder among the blobs, but for the folders that they stand in.
fn kept(store: &Store) -> Vec<PathBuf> {
    let shelves = std::fs::read_dir(store.folder().join("blobs")).unwrap();
    let files = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

fn changed(done: Result<(), StoreError>) -> bool {
    done.is_err_and(|error| error.code() == "STO_012")
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_hashed_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("data")).await.unwrap();
    let file = folder.path().join("acta.pdf");
    std::fs::write(&file, b"before").unwrap();
    let (pages, form) = pages(&folder.path().join("pages"), &[b"one", b"two"]);
    let hash = sha256(b"before");
    std::fs::write(&file, b"after").unwrap();
    std::fs::write(&pages[1].path, b"three").unwrap();
    assert!(changed(store.put_file(&file, &hash)));
    assert!(changed(store.put_pages(&pages, &form)));
    // Nor one whose pages came or went.
    assert!(changed(store.put_pages(&pages[..1], &form)));
    assert_eq!(kept(&store), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_stands_there_and_is_another_by_now_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("data")).await.unwrap();
    let file = folder.path().join("acta.pdf");
    std::fs::write(&file, b"acta").unwrap();
    let hash = sha256(b"acta");
    let (pages, form) = pages(&folder.path().join("pages"), &[b"one", b"two"]);
    for _ in 0..2 {
        store.put_file(&file, &hash).unwrap();
        store.put_pages(&pages, &form).unwrap();
        assert_eq!(store.blob(&hash).unwrap(), b"acta");
        let page = store.blob_path(&form).join("2.png");
        assert_eq!(std::fs::read(&page).unwrap(), b"two");
        assert_eq!(kept(&store).len(), 2);
        std::fs::write(store.blob_path(&hash), b"spoilt").unwrap();
        std::fs::write(&page, b"spoilt").unwrap();
    }
    store.put_blob(b"acta").unwrap();
    assert_eq!(store.blob(&hash).unwrap(), b"acta");
}

#[tokio::test]
async fn what_writers_left_that_were_cut_off_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let hash = store.put_blob(b"acta").unwrap();
    let (fetched, given_up) = (sha256(b"fetched"), sha256(b"given up"));
    store.want_files(std::slice::from_ref(&fetched)).await.unwrap();
    for form in [&fetched, &given_up] {
        store.gather(form, b"a piece").unwrap();
        let pages = store.blob_path(form).with_extension("joined");
        std::fs::create_dir(&pages).unwrap();
        std::fs::write(pages.join("0001.png"), b"a page").unwrap();
    }
    let cut = store.blob_path(&hash).with_file_name(".tmpAbCdEf");
    std::fs::write(&cut, b"half").unwrap();
    std::fs::create_dir(cut.with_file_name(".tmpGhIjKl")).unwrap();

    store.sweep_blobs().await.unwrap();
    let mut due = vec![
        store.blob_path(&hash),
        // It goes on from there; whose piece it is does not show.
        store.gathered_path(&fetched),
        store.gathered_path(&given_up),
        store.blob_path(&fetched).with_extension("joined"),
    ];
    due.sort();
    let mut found = kept(&store);
    found.sort();
    assert_eq!(found, due);

    store.file_arrived(&fetched).await.unwrap();
    store.sweep_blobs().await.unwrap();
    assert_eq!(kept(&store), [store.blob_path(&hash)]);
}
