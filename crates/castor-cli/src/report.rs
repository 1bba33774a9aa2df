//! What `castor e14` prints of a form.

use castor_vision::read::{ReadError, ReadForm, Timings};
use castor_wire::write::reading;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// One form as one JSON object.
pub(crate) fn json(path: &Path, form: &ReadForm, model: &str, elapsed: Duration) -> Value {
    let mut object = reading(&form.reading);
    object.insert("source".into(), json!(path.display().to_string()));
    object.insert("sha256".into(), json!(form.sha256));
    object.insert("model_version".into(), json!(model));
    object.insert("timings_ms".into(), timings(&form.timings));
    object.insert("elapsed_ms".into(), json!(milliseconds(elapsed)));
    Value::Object(object)
}

/// A file that could not be read, on one line.
pub(crate) fn failure(path: &Path, error: &anyhow::Error, plain: bool) -> String {
    let code = match error.downcast_ref::<ReadError>() {
        Some(ReadError::Input(e)) => e.code(),
        Some(ReadError::Runtime(_)) => "RUN_001",
        None => "E14_001",
    };
    let message = format!("{error:#}").replace('\n', " ");
    if plain {
        return failure_text(&path.display().to_string(), code, &message);
    }
    json!({
        "source": path.display().to_string(),
        "error": { "code": code, "message": message },
        "header": {}, "fields": [], "pages": [],
    })
    .to_string()
}

/// A file's error as text; messages of files that cannot be taken in name their code and the file already.
pub(crate) fn failure_text(source: &str, code: &str, message: &str) -> String {
    if message.starts_with(code) && message.contains(source) {
        return message.to_owned();
    }
    let message = message.strip_prefix(code).unwrap_or(message).trim_start();
    format!("{source}: {code} {message}")
}

fn timings(t: &Timings) -> Value {
    json!({
        "decode": milliseconds(t.decode), "register": milliseconds(t.register), "header": milliseconds(t.header),
        "layout": milliseconds(t.layout), "symbols": milliseconds(t.symbols),
    })
}

fn milliseconds(d: Duration) -> f64 {
    (d.as_secs_f64() * 1e4).round() / 10.0
}
