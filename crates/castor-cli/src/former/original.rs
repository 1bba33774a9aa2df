//! SQLite databases of the services that CASTOR replaces: accounts and leads become rows of ours, every other row is kept
//! as it was. Passwords, tokens and keys stay behind.

use anyhow::{Context, Result};
use castor_server::intake::{Brought, FormerTable, Intake};
use castor_server::lead::{Interest, LeadStatus, NewLead};
use castor_server::role::Role;
use castor_server::user::NewUser;
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, query_scalar};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;

/// Rows that are taken at a time.
const BATCH: usize = 500;

/// Words of a column's name that make its content a secret.
const SECRET: [&str; 10] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "contrasena",
    "contraseña",
    "secret",
    "apikey",
    "credential",
    "otp",
];
/// Two words that do so together. Tokens in the plural are mostly those that a language model counts.
const SECRET_PAIRS: [(&str, &str); 10] = [
    ("api", "key"),
    ("private", "key"),
    ("access", "key"),
    ("encryption", "key"),
    ("access", "tokens"),
    ("refresh", "tokens"),
    ("auth", "tokens"),
    ("bearer", "tokens"),
    ("session", "tokens"),
    ("reset", "tokens"),
];
/// First words of a name that counts tokens.
const COUNTS: [&str; 10] = [
    "max",
    "min",
    "total",
    "num",
    "n",
    "avg",
    "prompt",
    "completion",
    "input",
    "output",
];
/// First words of a name that asks whether there is a secret.
const ASKS: [&str; 2] = ["has", "is"];
/// Last words of a name that says something about one.
const ABOUT: [&str; 16] = [
    "count", "limit", "max", "min", "total", "used", "usage", "budget", "cost", "type", "length", "at", "on",
    "expires", "expiry", "attempts",
];

/// What stands where a lead had nothing.
const UNKNOWN: &str = "sin dato";

/// A database of the original, open for reading.
pub(super) struct Original(SqlitePool);

/// A table with its columns.
struct Table {
    name: String,
    columns: Vec<String>,
    /// Columns that are left behind.
    secret: Vec<String>,
}

impl Original {
    pub(super) async fn open(file: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        // A file that is no database is noticed with the first question.
        query_scalar::<_, i64>("SELECT count(*) FROM sqlite_master")
            .fetch_one(&pool)
            .await?;
        Ok(Self(pool))
    }

    /// The names of all tables.
    async fn tables(&self) -> Result<Vec<String>, sqlx::Error> {
        query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )
        .fetch_all(&self.0)
        .await
    }

    async fn table(&self, name: String) -> Result<Table, sqlx::Error> {
        let columns: Vec<String> = query_scalar("SELECT name FROM pragma_table_info(?) ORDER BY cid")
            .bind(&name)
            .fetch_all(&self.0)
            .await?;
        let (secret, columns) = columns.into_iter().partition(|column| is_secret(column));
        Ok(Table { name, columns, secret })
    }

    /// All rows as objects, some at a time. No row id is asked for: a table need not have one.
    fn rows(&self, table: &Table) -> impl Stream<Item = Vec<Result<Value>>> {
        let columns: Vec<String> = table.columns.iter().map(|column| pair(column)).collect();
        let sql = format!(
            "SELECT json_object({}) FROM {}",
            columns.join(", "),
            quoted(&table.name)
        );
        let rows = query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(&self.0);
        rows.map(|row| Ok(serde_json::from_str(&row?)?)).chunks(BATCH)
    }
}

/// The words of a column's name, in small letters: `maxTokens` and `max_tokens` are the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && small) {
            words.push(String::new());
        }
        small = c.is_lowercase() || c.is_numeric();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a column holds what opens something, by its name.
fn is_secret(name: &str) -> bool {
    let words = words(name);
    let among = |word: Option<&String>, list: &[&str]| word.is_some_and(|word| list.contains(&word.as_str()));
    if among(words.first(), &ASKS) || among(words.last(), &ABOUT) {
        return false;
    }
    let secret = |word: &String| SECRET.contains(&word.strip_suffix('s').unwrap_or(word));
    let counted = among(words.first(), &COUNTS);
    let mut pairs = words.iter().zip(words.iter().skip(1));
    words.iter().any(secret)
        || !counted && words.iter().any(|word| word == "token")
        || pairs.any(|(a, b)| SECRET_PAIRS.contains(&(a, b)))
}

/// A name of the file in a statement of ours.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column's name and value for `json_object`, which takes no bytes: those are written in hexadecimal.
fn pair(column: &str) -> String {
    let quoted = quoted(column);
    let name = column.replace('\'', "''");
    format!("'{name}', CASE typeof({quoted}) WHEN 'blob' THEN hex({quoted}) ELSE {quoted} END")
}

/// A text of a row, also where it was kept as a number; nothing for an empty one.
fn text(row: &Value, column: &str) -> Option<String> {
    let text = match row.get(column)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A yes or no, which SQLite keeps as a number.
fn flag(row: &Value, column: &str) -> Option<bool> {
    match row.get(column)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A word of ours.
fn word<T: DeserializeOwned>(word: String) -> Option<T> {
    serde_json::from_value(Value::String(word.to_lowercase())).ok()
}

fn role(row: &Value) -> Role {
    match text(row, "role").map(|role| role.to_lowercase()).as_deref() {
        Some("admin") => Role::Admin,
        Some("analyst") => Role::Analyst,
        Some("observer") => Role::Observer,
        _ => Role::Viewer,
    }
}

fn user(row: &Value) -> Option<NewUser> {
    Some(NewUser {
        email: text(row, "email").filter(|email| email.contains('@'))?,
        password: String::new(),
        first_name: text(row, "first_name").unwrap_or_else(|| UNKNOWN.to_owned()),
        last_name: text(row, "last_name").unwrap_or_else(|| UNKNOWN.to_owned()),
        phone: text(row, "phone"),
        campaign_role: text(row, "campaign_role"),
        candidate_position: text(row, "candidate_position"),
        whatsapp_number: text(row, "whatsapp_number"),
        whatsapp_opt_in: flag(row, "whatsapp_opt_in").unwrap_or(false),
    })
}

fn lead(row: &Value) -> Option<(NewLead, LeadStatus)> {
    let or_unknown = |column| text(row, column).unwrap_or_else(|| UNKNOWN.to_owned());
    let status = match text(row, "status").map(|status| status.to_lowercase()).as_deref() {
        Some("contactado" | "contacted" | "qualified") => LeadStatus::Contactado,
        Some("convertido" | "converted") => LeadStatus::Convertido,
        Some("rechazado" | "lost") => LeadStatus::Rechazado,
        _ => LeadStatus::Nuevo,
    };
    let new = NewLead {
        first_name: or_unknown("first_name"),
        last_name: or_unknown("last_name"),
        email: text(row, "email").filter(|email| email.contains('@'))?,
        phone: or_unknown("phone"),
        interest: text(row, "interest").and_then(word).unwrap_or(Interest::Otro),
        location: or_unknown("location"),
        candidacy_type: text(row, "candidacy_type").and_then(word),
    };
    Some((new, status))
}

/// What became of a table.
#[derive(Default)]
struct Done {
    brought: Brought,
    /// Rows that could not be brought in.
    without: u64,
}

/// Brings some rows of a table in. Every row is kept as it was too: ours have no place for all that it says.
async fn add(intake: &Intake, into: &mut FormerTable<'_>, name: &str, rows: &[Value], done: &mut Done) -> Result<()> {
    let kept = into.add(rows).await?;
    match name {
        "users" => {
            for row in rows {
                match user(row) {
                    Some(new) => {
                        let active = flag(row, "is_active").unwrap_or(true);
                        done.brought += Brought::from_iter([intake.user(&new, role(row), active).await?]);
                    }
                    None => done.without += 1,
                }
            }
        }
        "leads" => {
            for row in rows {
                match lead(row) {
                    Some((new, status)) => done.brought += Brought::from_iter([intake.lead(&new, status).await?]),
                    None => done.without += 1,
                }
            }
        }
        _ => done.brought += kept,
    }
    Ok(())
}

/// Brings the database in; exit code 2 when a row or a table could not be. A table that cannot be read is said and passed over.
pub(super) async fn import(intake: &Intake, original: &Original) -> Result<ExitCode> {
    let mut whole = true;
    for name in original.tables().await? {
        let table = match original.table(name.clone()).await {
            Ok(table) => table,
            Err(error) => {
                println!("{name}: left out, it cannot be read: {error}");
                whole = false;
                continue;
            }
        };
        let mut done = Done::default();
        let mut into = intake.table(&name);
        let mut unread = None;
        let mut chunks = pin!(original.rows(&table));
        while let (None, Some(chunk)) = (&unread, chunks.next().await) {
            let mut rows = Vec::with_capacity(chunk.len());
            for row in chunk {
                match row {
                    Ok(row) => rows.push(row),
                    Err(error) => unread = unread.or(Some(error)),
                }
            }
            let added = add(intake, &mut into, &name, &rows, &mut done).await;
            added.with_context(|| format!("the table {name}"))?;
        }
        println!("{name}: {} new, {} known", done.brought.added, done.brought.known);
        if !table.secret.is_empty() {
            println!("{name}: left behind as secrets: {}", table.secret.join(", "));
        }
        if done.without > 0 {
            println!("{name}: {} left out, without an e-mail address", done.without);
        }
        if let Some(error) = &unread {
            println!("{name}: rows are left out that cannot be read: {error}");
        }
        whole &= done.without == 0 && unread.is_none();
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn secrets_are_told_from_what_counts_them_by_their_names() {
        for name in [
            "password",
            "password_hash",
            "hashed_passwords",
            "PasswordHash",
            "pwd",
            "api_key",
            "apiKey",
            "openai_api_key",
            "token",
            "access_token",
            "refreshToken",
            "bearer_token",
            "reset_tokens",
            "access_tokens",
            "oauth_token_secret",
            "client_secret",
            "token_hash",
            "private_key_pem",
            "otp",
            "secrets",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "max_tokens",
            "maxTokens",
            "tokens",
            "tokens_used",
            "total_tokens",
            "token_count",
            "prompt_tokens",
            "token_limit",
            "token_type",
            "token_expires_at",
            "password_changed_at",
            "has_password",
            "tokenizer",
            "secretary",
            "secretaria",
            "key",
            "keyword",
            "id",
            "text",
            "primary_key",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
