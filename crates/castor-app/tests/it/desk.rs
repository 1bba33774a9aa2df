//! A form from its file to the export, as a person works on it.

use castor_app::{AppError, Desk, open_reader};
use castor_testkit::corpus::sample_forms;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) async fn call(desk: &Arc<Desk>, command: &str, arguments: Value) -> Value {
    match desk.call(command, arguments).await {
        Ok(value) => value,
        Err(failure) => panic!("{command}: {} {}", failure.code, failure.message),
    }
}

/// Waits until everything that was given is read.
pub(crate) async fn read_all(desk: &Arc<Desk>) {
    for _ in 0..6000 {
        let status = call(desk, "status", json!({})).await;
        if status["import"]["waiting"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the import did not end");
}

pub(crate) async fn desk(folder: &Path) -> Arc<Desk> {
    Desk::open(folder, open_reader(None).unwrap()).await.unwrap()
}

/// Opens a desk whose folder another one held that is about to end: its background work holds it for a moment.
pub(crate) async fn once_free<F: Future<Output = Result<Arc<Desk>, AppError>>>(open: impl Fn() -> F) -> Arc<Desk> {
    for _ in 0..1200 {
        match open().await {
            Ok(desk) => return desk,
            Err(error) => assert_eq!(error.code(), "STO_002", "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the desk before does not end");
}

pub(crate) fn forms(view: &Value) -> Vec<&Value> {
    view["items"].as_array().unwrap().iter().collect()
}

pub(crate) fn doubtful(form: &Value) -> Vec<Value> {
    let cells = form["cells"].as_array().unwrap();
    cells.iter().filter(|c| c["state"] == "DOUBTFUL").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_imported_corrected_taken_back_closed_and_exported() {
    let samples = tempfile::tempdir().unwrap();
    sample_forms(samples.path(), 1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let desk_at = |path: std::path::PathBuf| async move { desk(&path).await };
    let desk = desk_at(folder.path().to_owned()).await;
    let wanted: Vec<_> = std::fs::read_dir(samples.path().join("forms"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            name.contains("2023") || name.contains("2026")
        })
        .collect();
    std::fs::write(samples.path().join("nada.pdf"), b"no es un formulario").unwrap();
    let mut paths = wanted.clone();
    paths.push(samples.path().join("nada.pdf"));
    call(&desk, "import_paths", json!({ "paths": paths })).await;
    read_all(&desk).await;

    let items = call(&desk, "import_items", json!({ "offset": 0, "limit": 50 })).await;
    let failed: Vec<_> = forms(&items)
        .into_iter()
        .filter(|i| i["state"] == "failed")
        .cloned()
        .collect();
    assert_eq!(failed.len(), 1, "{items}");
    assert!(failed[0]["code"].as_str().unwrap().starts_with("INP_"), "{failed:?}");

    let queue = call(&desk, "queue", json!({ "query": { "limit": 100 } })).await;
    assert_eq!(queue["total"], wanted.len());
    let waiting = forms(&queue).into_iter().find(|i| i["doubtful"].as_u64() > Some(0));
    let id = waiting.expect("no drawn form has a doubtful cell")["id"].clone();
    let form = call(&desk, "form", json!({ "id": id })).await;
    let first = doubtful(&form)[0]["key"].clone();

    // What a person types counts; taking it back gives the form as it was.
    let typed = json!({ "kind": "correct", "marks": ["_", "1", "7"] });
    let after = call(&desk, "decide", json!({ "id": id, "cell": first, "action": typed })).await;
    let cell = |view: &Value| {
        view["cells"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["key"] == first)
            .unwrap()
            .clone()
    };
    assert_eq!(cell(&after)["value"], 17);
    assert_eq!(cell(&after)["machine"], cell(&form)["machine"]);
    let back = call(&desk, "act", json!({ "id": id, "action": { "kind": "undo" } })).await;
    assert_eq!(back["cells"], form["cells"]);
    let again = call(&desk, "act", json!({ "id": id, "action": { "kind": "redo" } })).await;
    assert_eq!(cell(&again)["value"], 17);

    // Confirming the rest settles every cell.
    let mut form = again;
    while let Some(next) = doubtful(&form).first() {
        let key = next["key"].clone();
        form = call(
            &desk,
            "decide",
            json!({ "id": id, "cell": key, "action": { "kind": "confirm" } }),
        )
        .await;
    }
    if form["item"]["state"] != "COMPLETED" {
        form = call(&desk, "act", json!({ "id": id, "action": { "kind": "complete" } })).await;
    }
    assert_eq!(form["item"]["state"], "COMPLETED");

    // The same after a restart, with the chain whole.
    let events = call(&desk, "audit_verify", json!({})).await;
    assert_eq!(events["whole"], true);
    let export = call(&desk, "export", json!({ "format": "csv", "form": id })).await;
    let csv = std::fs::read_to_string(export["files"][0].as_str().unwrap()).unwrap();
    assert!(csv.lines().any(|line| line.contains("_17,17,")), "{csv}");
    let png = desk.page_png(id.as_str().unwrap(), 1).await.unwrap();
    assert!(png.starts_with(&[0x89, b'P', b'N', b'G']));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_given_twice_is_one_form_and_a_duplicate() {
    let samples = tempfile::tempdir().unwrap();
    sample_forms(samples.path(), 1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path()).await;
    let path = samples.path().join("forms").join("ejemplo-uninominal-2023.pdf");
    assert!(path.exists(), "{path:?}");
    call(&desk, "import_paths", json!({ "paths": [path] })).await;
    read_all(&desk).await;
    call(&desk, "import_paths", json!({ "paths": [path] })).await;
    read_all(&desk).await;
    let items = call(&desk, "import_items", json!({ "offset": 0, "limit": 10 })).await;
    let states: Vec<_> = forms(&items)
        .iter()
        .map(|i| i["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["duplicate", "read"]);
    let queue = call(&desk, "queue", json!({ "query": { "limit": 10 } })).await;
    assert_eq!(queue["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_command_and_wrong_arguments_are_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path()).await;
    let unknown = desk.call("borrar_todo", json!({})).await.unwrap_err();
    assert_eq!(unknown.code, "APP_002");
    let wrong = desk.call("form", json!({ "identificador": 3 })).await.unwrap_err();
    assert_eq!(wrong.code, "APP_001");
    let missing = desk.call("form", json!({ "id": "nada" })).await.unwrap_err();
    assert_eq!(missing.code, "STO_008");
}
