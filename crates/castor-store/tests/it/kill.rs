//! Ended at any point, the store has lost nothing that it acknowledged.

use crate::support::{begun, says};
use castor_store::{LogQuery, Order, QueueFilter, Store};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Folder that the writing process works in; without it the test of that name does nothing.
const FOLDER: &str = "CASTOR_KILL_FOLDER";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// The process that is killed: appends without end and says each event once it is acknowledged.
#[test]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    block_on(async {
        let store = Store::open(Path::new(&folder)).await.unwrap();
        let mut next = u128::try_from(store.verify().await.unwrap().events).unwrap() + 1;
        loop {
            let (form, first) = (format!("f{next}"), next);
            store.append(&form, &begun(next)).await.unwrap();
            for (id, candidate) in (next + 2..).zip([1, 2, 1, 3]) {
                store
                    .append(&form, &[says(id, candidate, u8::try_from(id % 10).unwrap())])
                    .await
                    .unwrap();
                next = id;
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {id}").unwrap();
                out.flush().unwrap();
            }
            next = next.max(first + 1) + 1;
        }
    });
}

/// Starts the writing process.
fn writing(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How long a process takes to its first acknowledged event: it differs much between computers.
fn until_acknowledged(folder: &Path) -> Duration {
    let start = Instant::now();
    let mut child = writing(folder);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().contains("acknowledged")),
        "nothing was written"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    start.elapsed()
}

/// `CASTOR_KILLS=2000 cargo test -p castor-store --release kill` is the long run.
#[test]
fn nothing_acknowledged_is_lost_by_a_process_that_is_killed() {
    let kills: u64 = std::env::var("CASTOR_KILLS").map_or(12, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeSet<u128> = BTreeSet::new();
    let mut usual = until_acknowledged(folder.path());
    // A seeded sequence of moments between half the usual time to the first acknowledged event and some 60 ms after it.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..kills {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut child = writing(folder.path());
        let reader = BufReader::new(child.stdout.take().unwrap());
        let stretch = u64::try_from(usual.as_micros()).unwrap() / 2 + 60_000;
        let pause = usual / 2 + Duration::from_micros((seed >> 33) % stretch);
        let listener = std::thread::spawn(move || {
            let lines = reader.lines().map_while(Result::ok);
            lines
                .filter_map(|l| l.split("acknowledged ").nth(1)?.trim().parse().ok())
                .collect::<Vec<u128>>()
        });
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(listener.join().unwrap());
        if acknowledged.is_empty() {
            // The machine has become slower.
            usual *= 2;
        }
    }
    assert!(
        !acknowledged.is_empty(),
        "no process lived long enough to acknowledge anything"
    );
    block_on(async {
        let store = Store::open(folder.path()).await.unwrap();
        let report = store.verify().await.unwrap();
        assert_eq!(report.broken_at, None);
        let log = store
            .log(&LogQuery {
                limit: u32::MAX,
                ..LogQuery::default()
            })
            .await
            .unwrap();
        let kept: BTreeSet<u128> = log
            .iter()
            .map(|row| castor_wire::event::id(&row.id).unwrap().0)
            .collect();
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let shown = store
            .queue(&QueueFilter::default(), Order::Priority, 0, 500)
            .await
            .unwrap();
        store.rebuild().await.unwrap();
        assert_eq!(
            shown,
            store
                .queue(&QueueFilter::default(), Order::Priority, 0, 500)
                .await
                .unwrap()
        );
    });
}
