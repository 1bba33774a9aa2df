//! What a desk that was cut off left lying, when it opens again.

use castor_app::{Desk, open_reader};
use castor_domain::review::Moment;
use castor_store::{NewImport, Store};
use std::path::Path;

/// Every file of a folder, by its path within it.
fn files(folder: &Path, within: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join(within)).into_iter().flatten() {
        let inner = within.join(entry.unwrap().file_name());
        if folder.join(&inner).is_dir() {
            found.extend(files(folder, &inner));
        } else {
            found.push(inner.display().to_string());
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_opens_keeps_what_waits_and_takes_the_rest_away() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    let incoming = data.join("incoming");
    let store = Store::open(&data).await.unwrap();
    let file = |path: &Path| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"acta").unwrap();
    };
    let waits = ["envio/incoming/acta.pdf", "zip-3/a.pdf", "zip-4/hojas"].map(|name| incoming.join(name));
    file(&waits[0]);
    file(&waits[1]);
    file(&waits[2].join("1.png"));
    file(&incoming.join("envio/leida.pdf"));
    file(&incoming.join("zip-9/media.pdf"));
    let part = data.join("exports").join(".01890a5d-ac96-774b-bcce-b302099a8057.part");
    file(&part.join("casillas.csv"));
    file(&data.join("exports/2026-05-31/casillas.csv"));
    file(&data.join("exports/.otra.part"));
    let given = waits.map(|path| NewImport {
        source: path.display().to_string(),
        origin: None,
    });
    store.add_imports(&given, false, Moment(1)).await.unwrap();
    store.set_setting("import.paused", "1").await.unwrap();
    store.close().await;
    // The folder is called by another name than the one that the rows know.
    let moved = work.path().join("moved");
    std::fs::rename(&data, &moved).unwrap();

    let settings = work.path().join("settings");
    let desk = Desk::with(&moved, open_reader(None).unwrap(), || Moment(2), settings)
        .await
        .unwrap();
    assert_eq!(
        files(&desk.incoming(), Path::new("")),
        ["envio/incoming/acta.pdf", "zip-3/a.pdf", "zip-4/hojas/1.png"]
    );
    assert!(!desk.incoming().join("zip-9").exists());
    assert_eq!(
        files(&moved.join("exports"), Path::new("")),
        [".otra.part", "2026-05-31/casillas.csv"]
    );
}
