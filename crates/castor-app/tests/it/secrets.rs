//! Secrets of a laptop.

use crate::desk::call;
use castor_app::{Desk, open_reader};
use castor_domain::review::Moment;
use serde_json::json;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_set_together_are_all_kept() {
    let work = tempfile::tempdir().unwrap();
    let reader = open_reader(None).unwrap();
    let settings = work.path().join("settings");
    let desk = Desk::with(&work.path().join("data"), reader, || Moment(1), settings)
        .await
        .unwrap();
    let names = ["anthropic_api_key", "openai_api_key", "x_bearer_token"];
    for value in ["uno", "", "dos", "", "tres"] {
        let mut setting = tokio::task::JoinSet::new();
        for name in names {
            let desk = Arc::clone(&desk);
            setting.spawn(async move { call(&desk, "secret_save", json!({ "name": name, "value": value })).await });
        }
        setting.join_all().await;
        let view = call(&desk, "secrets", json!({})).await;
        let set = view["secrets"].as_array().unwrap().iter();
        assert!(
            set.clone().all(|secret| secret["set"] == !value.is_empty()),
            "{value:?}: {view}"
        );
    }
}
