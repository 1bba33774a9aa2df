//! Ended at any point of an import or of people's work on it, the desk has lost nothing that it acknowledged.

use crate::desk::{call, desk, doubtful, forms};
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Folder that the working process has; without it the test of that name does nothing.
const FOLDER: &str = "CASTOR_KILLED_DESK";
const FORMS: usize = 6;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// The process that is killed: imports what is not read yet and settles what waits, saying each cell once it is acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn worker() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let desk = desk(&folder.join("data")).await;
    say("open");
    if call(&desk, "import_items", json!({ "offset": 0, "limit": 1 })).await["total"] == 0 {
        desk.import(vec![folder.join("forms")], false).await.unwrap();
    }
    for n in 0u32.. {
        let queue = call(
            &desk,
            "queue",
            json!({ "query": { "states": ["PENDING", "IN_PROGRESS"], "limit": 50 } }),
        )
        .await;
        for item in forms(&queue) {
            let form = call(&desk, "form", json!({ "id": item["id"] })).await;
            let Some(cell) = doubtful(&form).first().cloned() else {
                continue;
            };
            let digit = (n % 10).to_string();
            let action = json!({ "kind": "correct", "marks": ["_", "_", digit] });
            let asked = json!({ "id": item["id"], "cell": cell["key"], "action": action });
            if desk.call("decide", asked).await.is_ok() {
                say(&format!("acknowledged {} {} {digit}", item["id"], cell["key"]));
            }
        }
        let status = call(&desk, "status", json!({})).await;
        if status["import"]["waiting"] == 0 && forms(&queue).iter().all(|item| item["doubtful"] == 0) {
            say("done");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// `CASTOR_KILLS=200 cargo test -p castor-app --release killed` is the long run.
#[test]
fn nothing_acknowledged_is_lost_by_a_desk_that_is_killed() {
    let kills: u64 = std::env::var("CASTOR_KILLS").map_or(6, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..FORMS {
        let family = Family::ALL[seed % Family::ALL.len()];
        let form = Form::sample(u64::try_from(seed).unwrap(), family, &Options::default())
            .unwrap()
            .named(&format!("acta-{seed}"));
        write_form(folder.path(), &form, Scan::drop_out()).unwrap();
    }
    let mut acknowledged: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut done = false;
    // After the kills one run is left to end.
    for kill in 0..=kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::worker", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let opened = lines.any(|line| line.unwrap().contains("open"));
        assert!(opened, "the desk did not open after {kill} kills");
        if kill < kills {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_micros((seed >> 33) % 1_500_000));
            child.kill().unwrap();
        }
        for line in lines.map_while(Result::ok) {
            done |= line.ends_with("done");
            let Some(said) = line.split("acknowledged ").nth(1) else {
                continue;
            };
            let mut words = said.split(' ').map(|word| word.trim_matches('"').to_owned());
            if let (Some(form), Some(cell), Some(digit)) = (words.next(), words.next(), words.next()) {
                acknowledged.insert((form, cell), digit.parse().unwrap());
            }
        }
        child.wait().unwrap();
    }
    assert!(done, "the last run did not end its work");
    assert!(!acknowledged.is_empty());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(whole(&folder.path().join("data"), &acknowledged));
}

/// Every file was read once, every acknowledged cell is as it was said, and the chain holds.
async fn whole(data: &Path, acknowledged: &BTreeMap<(String, String), u64>) {
    let desk = desk(data).await;
    let items = call(&desk, "import_items", json!({ "offset": 0, "limit": 50 })).await;
    let states: Vec<&Value> = forms(&items).into_iter().map(|item| &item["state"]).collect();
    assert!(states.iter().all(|state| *state == "read"), "{states:?}");
    let queue = call(&desk, "queue", json!({ "query": { "limit": 50 } })).await;
    assert_eq!((states.len(), &queue["total"]), (FORMS, &json!(FORMS)));
    for ((id, key), digit) in acknowledged {
        let form = call(&desk, "form", json!({ "id": id })).await;
        let cells = form["cells"].as_array().unwrap();
        let cell = cells.iter().find(|cell| cell["key"] == *key).unwrap();
        let said = &cell["decision"]["reading"]["value"];
        // A form that went on to a second reader shows them less.
        assert!(said == digit || form["sight"] != "open", "{id} {key}: {cell}");
    }
    assert_eq!(call(&desk, "audit_verify", json!({})).await["whole"], true);
    assert_eq!(desk.store().stale_rows().await.unwrap(), Vec::<String>::new());
}
