//! Dependencies between the crates of the workspace point downwards only.

use std::collections::{BTreeMap, BTreeSet};

/// For each crate the crates of the workspace that it may use, tests aside.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("castor-domain", &[]),
    ("castor-vision", &["castor-domain"]),
    ("castor-learn", &["castor-domain"]),
    ("castor-testkit", &["castor-domain"]),
    ("castor-wire", &["castor-domain"]),
    ("castor-ingest", &["castor-domain", "castor-vision"]),
    ("castor-store", &["castor-domain", "castor-wire"]),
    ("castor-sync", &["castor-domain", "castor-wire", "castor-store"]),
    (
        "castor-server",
        &["castor-domain", "castor-wire", "castor-vision", "castor-ingest"],
    ),
    (
        "castor-app",
        &[
            "castor-domain",
            "castor-vision",
            "castor-ingest",
            "castor-wire",
            "castor-store",
            "castor-sync",
        ],
    ),
    (
        "castor-cli",
        &[
            "castor-domain",
            "castor-vision",
            "castor-learn",
            "castor-testkit",
            "castor-wire",
            "castor-store",
            "castor-sync",
            "castor-server",
            "castor-app",
        ],
    ),
    ("castor-desktop", &["castor-app"]),
];

#[test]
fn dependencies_point_downwards_only() {
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().unwrap();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(name, uses)| (*name, uses.iter().copied().collect()))
        .collect();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let permitted = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no place in the order of crates"));
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let own = used.starts_with("castor-") && dependency.kind != cargo_metadata::DependencyKind::Development;
            assert!(!own || permitted.contains(used), "{name} may not depend on {used}");
        }
    }
}
