//! Requests that screens of the server's administration make through the desk, which holds the sign-in.

use crate::view::FieldProblem;
use crate::{AppError, Desk};
use castor_sync::Method;
use serde::Deserialize as _;
use serde_json::Value;

/// What is passed on: these paths and what lies under them. Whoever signs in, renews or syncs is the desk itself.
const PASSED_ON: [&str; 14] = [
    "/api/audit",
    "/api/auth/me",
    "/api/auth/password",
    "/api/auth/sessions",
    "/api/e14",
    "/api/health",
    "/api/leads",
    "/api/metrics",
    "/api/pipeline",
    "/api/queue",
    "/api/review",
    "/api/roles",
    "/api/sessions",
    "/api/users",
];

/// Longest path with its query.
const LONGEST: usize = 2000;

impl Desk {
    /// Passes a request on to the server that is signed in to, and gives back what it answered.
    ///
    /// # Errors
    /// [`AppError::Answered`] with the server's own code where it answers with a failure.
    pub(crate) async fn server_request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, AppError> {
        let method = method_of(method)?;
        checked(path)?;
        let transport = self.syncing.link().ok_or(AppError::NotSignedIn)?;
        let answered = transport.request(method, path, body).await?;
        let mut answer = answered.body;
        if (200..300).contains(&answered.status) {
            let enveloped = answer.get("ok") == Some(&Value::Bool(true));
            return Ok(match answer.get_mut("data") {
                Some(data) if enveloped => data.take(),
                Some(_) | None => answer,
            });
        }
        Err(refused(answered.status, &answer["error"]))
    }
}

impl Desk {
    /// Asks the server for a file and keeps it among the exports; gives back where.
    ///
    /// # Errors
    /// As [`Self::server_request`], and [`AppError::File`] where it cannot be written.
    pub(crate) async fn server_save(&self, path: &str, name: &str) -> Result<String, AppError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if name.is_empty() || name.len() > 80 || name.starts_with('.') || !name.chars().all(plain) {
            return Err(AppError::Asked(format!("{name:?} is no name of a file")));
        }
        let text = match self.server_request("GET", path, None).await? {
            Value::String(text) => text,
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        let mut folder = self.export_folder()?;
        folder.write(name, text.as_bytes())?;
        let files = folder.finish()?;
        Ok(files.iter().map(|file| file.display().to_string()).collect())
    }
}

/// A failure as the server's envelope tells it.
fn refused(status: u16, error: &Value) -> AppError {
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    let code = text("code").unwrap_or_else(|| format!("HTTP_{status}"));
    let problems = error["fields"].as_array().into_iter().flatten();
    AppError::Answered {
        message: text("message").unwrap_or_else(|| code.clone()),
        code,
        fields: problems.filter_map(|one| FieldProblem::deserialize(one).ok()).collect(),
    }
}

fn method_of(text: &str) -> Result<Method, AppError> {
    match text {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => Err(AppError::NotPassedOn(format!("there is no method {other:?}"))),
    }
}

/// Whether a path is one of those that are passed on, written so that nobody can read it in two ways.
fn checked(path: &str) -> Result<(), AppError> {
    let (place, query) = path.split_once('?').unwrap_or((path, ""));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b':' | b'@');
    let of_query = |b: u8| plain(b) || matches!(b, b'=' | b'&' | b'%' | b'+' | b'.' | b'~' | b',' | b'*');
    let written = place.bytes().all(plain) && !place.contains("//") && query.bytes().all(of_query);
    let listed = PASSED_ON.iter().any(|start| {
        let rest = place.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if path.len() <= LONGEST && written && listed {
        Ok(())
    } else {
        Err(AppError::NotPassedOn(path.chars().take(200).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn only_listed_paths_are_passed_on() {
        for path in [
            "/api/users",
            "/api/users/018f-00/sessions",
            "/api/audit?before=12&limit=50",
            "/api/users?search=ana%40example.org",
            "/api/users?search=an*",
            "/api/sessions?user=018f-00",
            "/api/roles",
            "/api/audit/export?action=admin.",
        ] {
            assert!(checked(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "/",
            "/api/auth/login",
            "/api/auth/refresh",
            "/api/auth/logout",
            "/api/sync/push",
            "/api/usersandmore",
            "/api/users/../auth/refresh",
            "/api/users/%2e%2e/auth/refresh",
            "/api/users//x",
            "//example.org/api/users",
            "https://example.org/api/users",
            "/api/users#x",
            "/api/users\\x",
            "/api/users?x=\r\n",
        ] {
            assert!(checked(path).is_err(), "{path}");
        }
    }
}
