//! What exports hold, as their readers see it.

use crate::desk::{call, desk, doubtful, forms, read_all};
use castor_app::Desk;
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A desk with one generated form, one cell of which a person settled; with the form's id.
async fn settled(folder: &Path) -> (Arc<Desk>, Value, String) {
    let samples = tempfile::tempdir().unwrap();
    let form = Form::sample(2029, Family::Uninominal2023, &Options::default())
        .unwrap()
        .named("uninominal");
    write_form(samples.path(), &form, Scan::drop_out()).unwrap();
    let desk = desk(folder).await;
    let path = samples.path().join("forms").join("uninominal.pdf");
    desk.import(vec![path], true).await.unwrap();
    read_all(&desk).await;
    let queue = call(&desk, "queue", json!({ "query": { "limit": 10 } })).await;
    let id = forms(&queue)[0]["id"].clone();
    let form = call(&desk, "form", json!({ "id": id })).await;
    let cells = form["cells"].as_array().unwrap();
    let cell = doubtful(&form).first().unwrap_or(&cells[3])["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let typed = json!({ "kind": "correct", "marks": ["_", "1", "7"] });
    call(&desk, "decide", json!({ "id": id, "cell": cell, "action": typed })).await;
    (desk, id, cell)
}

async fn exported(desk: &Arc<Desk>, format: &str, more: Value) -> Vec<PathBuf> {
    let mut arguments = json!({ "format": format });
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let result = call(desk, "export", arguments).await;
    let files = result["files"].as_array().unwrap();
    files.iter().map(|f| PathBuf::from(f.as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_are_asked_for_together_are_written_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _, _) = settled(folder.path()).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let desk = Arc::clone(&desk);
        asked.spawn(async move { exported(&desk, "csv", json!({})).await });
    }
    // One that waits for a connection which another holds fails after half a minute.
    assert_eq!(asked.join_all().await.len(), 12);
}

fn ending<'a>(files: &'a [PathBuf], end: &str) -> Vec<&'a PathBuf> {
    files.iter().filter(|f| f.to_string_lossy().ends_with(end)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library says that it will add kinds; the file has none of them"
)]
async fn the_parquet_file_says_what_the_csv_says_with_types_and_names_its_sources() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _, _) = settled(folder.path()).await;
    let csv = std::fs::read_to_string(&exported(&desk, "csv", json!({})).await[0]).unwrap();
    let files = exported(&desk, "parquet", json!({})).await;
    let reader = SerializedFileReader::new(std::fs::File::open(&files[0]).unwrap()).unwrap();
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut unknown = 0;
    let mut rows = 0;
    for (row, line) in reader.get_row_iter(None).unwrap().zip(lines) {
        let row = row.unwrap();
        let due: Vec<&str> = line.split(',').collect();
        for (i, (name, field)) in row.get_column_iter().enumerate() {
            assert_eq!(name, names[i]);
            let said = match field {
                Field::Null => String::new(),
                Field::Str(text) if text.starts_with(['=', '-', '+', '@']) => format!("'{text}"),
                Field::Str(text) => text.clone(),
                Field::Int(number) => number.to_string(),
                Field::Double(real) => format!("{real:.4}"),
                Field::Bool(truth) => truth.to_string(),
                other => panic!("{name} is {other:?}"),
            };
            assert_eq!(said, due[i], "{name} in {line}");
            unknown += usize::from(name == "value" && *field == Field::Null);
        }
        assert!(row.get_bool(2).unwrap(), "the generated form is not marked");
        rows += 1;
    }
    assert_eq!(rows, csv.lines().count() - 1);
    assert!(rows > unknown, "no value at all");
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let said = |key: &str| metadata.iter().find(|kv| kv.key == key).unwrap().value.clone().unwrap();
    let chain = call(&desk, "audit_verify", json!({})).await;
    assert_eq!(said("castor.log_head"), chain["head"].as_str().unwrap());
    assert_eq!(said("castor.log_events"), chain["events"].to_string());
    assert_eq!(said("castor.version"), env!("CARGO_PKG_VERSION"));
    let status = call(&desk, "status", json!({})).await;
    assert_eq!(said("castor.models"), status["model"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_is_marked_as_an_example_and_names_form_log_and_person() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, id, _) = settled(folder.path()).await;
    let files = exported(&desk, "sheet", json!({ "form": id })).await;
    assert_eq!(files.len(), 1);
    if let Some(kept) = std::env::var_os("CASTOR_KEEP_SHEET") {
        std::fs::copy(&files[0], kept).unwrap();
    }
    let bytes = std::fs::read(&files[0]).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    // Texts with a letter beyond ASCII stand as hexadecimal digits.
    let written = String::from_utf8_lossy(&bytes).to_uppercase();
    let holds = |text: &str| {
        let digits: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
        written.contains(&text.to_uppercase()) || written.contains(&digits)
    };
    let chain = call(&desk, "audit_verify", json!({})).await;
    assert!(holds("DATOS DE EJEMPLO"));
    assert!(holds(id.as_str().unwrap()));
    assert!(holds(chain["head"].as_str().unwrap()));
    let settings = call(&desk, "settings", json!({})).await;
    assert!(holds(settings["person"].as_str().unwrap()));
    assert!(holds("_ 1 7  17"));
}

#[tokio::test(flavor = "multi_thread")]
async fn crops_hold_the_persons_marks_and_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, id, cell) = settled(folder.path()).await;
    let files = exported(&desk, "crops", json!({})).await;
    let labels = std::fs::read_to_string(ending(&files, ".jsonl")[0]).unwrap();
    let lines: Vec<Value> = labels.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!(line["marks"], json!(["_", "1", "7"]));
    assert_eq!(line["form"], id);
    assert_eq!(format!("{}/{}", line["page"], line["path"].as_str().unwrap()), cell);
    let person = call(&desk, "settings", json!({})).await["person"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!labels.contains(&format!("\"{person}\"")), "{labels}");
    let bbox = &line["bbox"];
    let picture = image::open(ending(&files, line["image"].as_str().unwrap())[0]).unwrap();
    assert_eq!(json!([picture.width(), picture.height()]), json!([bbox[2], bbox[3]]));
    let boxes = line["boxes"].as_array().unwrap();
    assert_eq!(boxes.len(), 3);
    for one in boxes {
        let picture = image::open(ending(&files, one.as_str().unwrap())[0]).unwrap();
        assert_eq!((picture.width(), picture.height()), (40, 40));
    }
    let tasks: Value = serde_json::from_slice(&std::fs::read(ending(&files, "label-studio.json")[0]).unwrap()).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 1);
    assert_eq!(tasks[0]["annotations"][0]["result"][0]["value"]["text"], json!(["_17"]));
    assert!(
        tasks[0]["data"]["image"]
            .as_str()
            .unwrap()
            .ends_with(line["image"].as_str().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_exports_what_it_finds_and_leaves_no_partial_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _, _) = settled(folder.path()).await;
    let none = call(
        &desk,
        "export",
        json!({ "format": "csv", "query": { "search": "nada de esto" } }),
    )
    .await;
    assert_eq!(none["forms"], 0);
    let all = call(
        &desk,
        "export",
        json!({ "format": "json_v1", "query": { "search": "uninominal" } }),
    )
    .await;
    assert_eq!(all["forms"], 1);
    let line = std::fs::read_to_string(all["files"][0].as_str().unwrap()).unwrap();
    let extraction: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(extraction["castor"]["demo"], true);
    assert_eq!(extraction["castor"]["decided"].as_array().unwrap().len(), 1);
    assert!(extraction["partidos"][0]["votos_candidatos"].as_array().unwrap().len() > 1);
    let unknown = desk
        .call("export", json!({ "format": "csv", "form": "nada" }))
        .await
        .unwrap_err();
    assert_eq!(unknown.code, "STO_008");
    for entry in std::fs::read_dir(folder.path().join("exports")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(!name.ends_with(".part"), "{name}");
    }
}
