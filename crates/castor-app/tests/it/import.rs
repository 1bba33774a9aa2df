//! Files on their way into the desk: archives, folders, what a browser sends, pauses and repetitions.

use crate::desk::{call, desk, forms, once_free, read_all};
use castor_app::Desk;
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A drawn form as a PDF.
fn drawn(folder: &Path, seed: u64) -> PathBuf {
    let name = format!("acta-{seed}");
    let form = Form::sample(seed, Family::Uninominal2023, &Options::default())
        .unwrap()
        .named(&name);
    write_form(folder, &form, Scan::drop_out()).unwrap();
    folder.join("forms").join(format!("{name}.pdf"))
}

fn zipped(path: &Path, files: &[(&str, &[u8])]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in files {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// Source and state of every file given, in the order given.
async fn given(desk: &Arc<Desk>, trouble: bool) -> Vec<(String, String)> {
    let asked = json!({ "offset": 0, "limit": 50, "trouble": trouble });
    let items = call(desk, "import_items", asked).await;
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let mut found: Vec<_> = forms(&items)
        .iter()
        .map(|i| (text(i, "source"), text(i, "state")))
        .collect();
    found.reverse();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archives_files_are_known_by_their_place_in_it_and_a_broken_one_holds_nothing_up() {
    let work = tempfile::tempdir().unwrap();
    let acta = std::fs::read(drawn(work.path(), 7)).unwrap();
    let lote = work.path().join("lote.zip");
    let inner = work.path().join("inner.zip");
    zipped(&inner, &[("acta.pdf", &acta)]);
    let files: [(&str, &[u8]); 4] = [
        ("mesa 1/acta.pdf", &acta),
        ("leame.txt", b"nada"),
        ("../fuera.pdf", &acta),
        ("dentro.zip", &std::fs::read(inner).unwrap()),
    ];
    zipped(&lote, &files);
    let broken = work.path().join("roto.zip");
    std::fs::write(&broken, b"PK\x03\x04 y nada mas").unwrap();
    let desk = desk(&work.path().join("data")).await;
    desk.import(vec![broken.clone(), lote.clone()], false).await.unwrap();
    read_all(&desk).await;

    let (broken, lote) = (broken.display(), lote.display());
    // The same form twice, read side by side: one of the two is the duplicate.
    let mut found = given(&desk, false).await;
    let read = found.iter().position(|(_, state)| state == "read").unwrap();
    let other = found.iter().position(|(_, state)| state == "duplicate").unwrap();
    assert_eq!((read.min(other), read.max(other)), (3, 4), "{found:?}");
    found[3].1 = "read".to_owned();
    found[4].1 = "duplicate".to_owned();
    let due = [
        (format!("{broken}"), "failed"),
        (format!("{lote}"), "unpacked"),
        (format!("{lote} › dentro.zip"), "unpacked"),
        (format!("{lote} › mesa 1/acta.pdf"), "read"),
        (format!("{lote} › dentro.zip › acta.pdf"), "duplicate"),
    ];
    assert_eq!(found, due.clone().map(|(source, state)| (source, state.to_owned())));
    let trouble = given(&desk, true).await;
    assert_eq!(trouble.len(), 2, "{trouble:?}");

    // The form says where its file came from each time, and copies made to be read are gone.
    let queue = call(&desk, "queue", json!({ "query": { "limit": 10 } })).await;
    assert_eq!(queue["total"], 1);
    let item = forms(&queue)[0].clone();
    assert_eq!(item["name"], "acta.pdf");
    let form = call(&desk, "form", json!({ "id": item["id"] })).await;
    let sources: Vec<_> = form["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["source"].clone())
        .collect();
    assert_eq!(sources, [due[3].0.as_str(), due[4].0.as_str()]);
    for copy in ["zip-1", "zip-2", "zip-3"] {
        gone(&desk.incoming().join(copy)).await;
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_never_ends_holds_up_no_other() {
    if std::thread::available_parallelism().unwrap().get() < 2 {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let acta = drawn(work.path(), 7);
    // It is opened when somebody writes to it, and nobody does.
    let endless = work.path().join("sin-fin.pdf");
    let made = std::process::Command::new("mkfifo").arg(&endless).status().unwrap();
    assert!(made.success());
    let desk = desk(&work.path().join("data")).await;
    desk.import(vec![endless.clone()], false).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    desk.import(vec![acta], false).await.unwrap();
    let mut states = Vec::new();
    for _ in 0..1200 {
        states = given(&desk, false).await.into_iter().map(|(_, state)| state).collect();
        if states == ["waiting", "read"] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // Ends it, and with it the thread that waits for it.
    std::fs::OpenOptions::new().write(true).open(&endless).unwrap();
    assert_eq!(states, ["waiting", "read"]);
    read_all(&desk).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_links_are_kept_and_what_is_damaged_is_mended_by_giving_it_again() {
    let work = tempfile::tempdir().unwrap();
    let page = |shade: u8| {
        let path = work.path().join(format!("{shade}.png"));
        let picture = image::GrayImage::from_pixel(300, 400, image::Luma([shade]));
        picture.save(&path).unwrap();
        path
    };
    let folder = work.path().join("acta");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(page(200), folder.join("1.png")).unwrap();
    std::fs::copy(page(210), folder.join("2.png")).unwrap();
    let desk = desk(&work.path().join("data")).await;
    let problems = async || castor_app::integrity(desk.store()).await.unwrap().problems;
    for damaged in ["1.png", "2.png"] {
        desk.import(vec![folder.clone()], false).await.unwrap();
        read_all(&desk).await;
        assert_eq!(problems().await, []);
        let form = desk.store().forms_of_log().await.unwrap().remove(0);
        std::fs::write(desk.store().blob_path(&form).join(damaged), b"nada").unwrap();
        assert_eq!(problems().await[0].code, "STO_007");
    }
    desk.import(vec![folder], false).await.unwrap();
    read_all(&desk).await;
    assert_eq!(problems().await, []);
}

/// Waits until copies that were made to be read are gone: they go after what was read of them is kept.
async fn gone(path: &Path) {
    for _ in 0..1200 {
        if !path.exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{} is still there", path.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_within_archives_come_to_an_end() {
    let work = tempfile::tempdir().unwrap();
    let mut bytes = b"%PDF".to_vec();
    let mut name = "acta.pdf".to_owned();
    for n in 0..6 {
        let path = work.path().join(format!("nivel-{n}.zip"));
        zipped(&path, &[(&name, &bytes)]);
        bytes = std::fs::read(&path).unwrap();
        name = format!("nivel-{n}.zip");
    }
    let desk = desk(&work.path().join("data")).await;
    desk.import(vec![work.path().join("nivel-5.zip")], false).await.unwrap();
    read_all(&desk).await;
    let states: Vec<_> = given(&desk, false).await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["unpacked", "unpacked", "unpacked", "failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_sent_is_known_by_the_names_that_it_gave() {
    let work = tempfile::tempdir().unwrap();
    let acta = drawn(work.path(), 7);
    let desk = desk(&work.path().join("data")).await;
    let sent = desk.incoming().join("envio");
    std::fs::create_dir_all(sent.join("lote")).unwrap();
    std::fs::copy(&acta, sent.join("lote/acta.pdf")).unwrap();
    std::fs::write(sent.join("hoja.png"), b"no es una imagen").unwrap();
    desk.import_sent(sent.clone()).await.unwrap();
    read_all(&desk).await;
    let due = [("hoja.png", "failed"), ("lote/acta.pdf", "read")];
    assert_eq!(
        given(&desk, false).await,
        due.map(|(source, state)| (source.to_owned(), state.to_owned()))
    );
    // What failed is kept, to be tried again.
    gone(&sent.join("lote")).await;
    assert!(sent.join("hoja.png").exists());
    std::fs::copy(work.path().join("forms/acta-7.pdf"), sent.join("hoja.png")).unwrap();
    call(&desk, "import_retry", json!({})).await;
    read_all(&desk).await;
    assert_eq!(given(&desk, false).await[0].1, "duplicate");
    gone(&sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_outlasts_the_program() {
    let work = tempfile::tempdir().unwrap();
    let acta = drawn(work.path(), 7);
    let data = work.path().join("data");
    let first = desk(&data).await;
    call(&first, "import_pause", json!({ "paused": true })).await;
    first.import(vec![acta], false).await.unwrap();
    drop(first);
    let second = once_free(|| Desk::open(&data, castor_app::open_reader(None).unwrap())).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let status = call(&second, "status", json!({})).await;
    assert_eq!(
        (&status["import"]["paused"], &status["import"]["waiting"]),
        (&json!(true), &json!(1))
    );
    call(&second, "import_pause", json!({ "paused": false })).await;
    read_all(&second).await;
    assert_eq!(
        call(&second, "queue", json!({ "query": { "limit": 10 } })).await["total"],
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_a_form_is_said_so() {
    let work = tempfile::tempdir().unwrap();
    let empty = work.path().join("vacia");
    std::fs::create_dir(&empty).unwrap();
    let desk = desk(&work.path().join("data")).await;
    let nothing = desk
        .call("import_paths", json!({ "paths": [empty] }))
        .await
        .unwrap_err();
    assert_eq!(nothing.code, "APP_007");
    let gone = work.path().join("no-esta.pdf");
    let missing = desk.call("import_paths", json!({ "paths": [gone] })).await.unwrap_err();
    assert_eq!(missing.code, "APP_003");
}
