//! SQLite databases of the services that CASTOR replaces: accounts and leads become rows of ours, every other row is kept
//! as it was. Passwords and tokens stay behind.

use anyhow::Result;
use castor_server::intake::{Brought, Intake};
use castor_server::lead::{Interest, LeadStatus, NewLead};
use castor_server::role::Role;
use castor_server::user::NewUser;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, query_scalar};
use std::path::Path;
use std::process::ExitCode;

/// Rows that are taken at a time.
const BATCH: i64 = 500;

/// What stands in the name of a column that is left behind.
const SECRET: [&str; 4] = ["password", "token", "secret", "api_key"];

/// What stands where a lead had nothing.
const UNKNOWN: &str = "sin dato";

/// A database of the original, open for reading.
pub(super) struct Original(SqlitePool);

/// A table with its columns, secret ones aside.
struct Table {
    name: String,
    columns: Vec<String>,
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

    async fn tables(&self) -> Result<Vec<Table>, sqlx::Error> {
        let names: Vec<String> = query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )
        .fetch_all(&self.0)
        .await?;
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let columns: Vec<String> = query_scalar("SELECT name FROM pragma_table_info(?) ORDER BY cid")
                .bind(&name)
                .fetch_all(&self.0)
                .await?;
            let open = |column: &String| !SECRET.iter().any(|secret| column.to_lowercase().contains(secret));
            let columns = columns.into_iter().filter(open).collect();
            tables.push(Table { name, columns });
        }
        Ok(tables)
    }

    /// Rows after a row id, as objects, with the row id of the last.
    async fn rows(&self, table: &Table, after: i64) -> Result<Option<(i64, Vec<Value>)>> {
        let columns: Vec<String> = table.columns.iter().map(|column| pair(column)).collect();
        let sql = format!(
            "SELECT rowid, json_object({}) FROM {} WHERE rowid > ? ORDER BY rowid LIMIT {BATCH}",
            columns.join(", "),
            quoted(&table.name),
        );
        let rows: Vec<(i64, String)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(after)
            .fetch_all(&self.0)
            .await?;
        let Some((last, _)) = rows.last() else {
            return Ok(None);
        };
        let last = *last;
        let objects: Result<_, _> = rows.iter().map(|(_, text)| serde_json::from_str(text)).collect();
        Ok(Some((last, objects?)))
    }
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

/// A text of a row; nothing for an empty one.
fn text<'a>(row: &'a Value, column: &str) -> Option<&'a str> {
    row.get(column)?.as_str().map(str::trim).filter(|text| !text.is_empty())
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
fn word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_lowercase())).ok()
}

fn role(row: &Value) -> Role {
    match text(row, "role").map(str::to_lowercase).as_deref() {
        Some("admin") => Role::Admin,
        Some("analyst") => Role::Analyst,
        Some("observer") => Role::Observer,
        _ => Role::Viewer,
    }
}

fn user(row: &Value) -> Option<NewUser> {
    let owned = |column| text(row, column).map(str::to_owned);
    Some(NewUser {
        email: owned("email").filter(|email| email.contains('@'))?,
        password: String::new(),
        first_name: owned("first_name").unwrap_or_else(|| UNKNOWN.to_owned()),
        last_name: owned("last_name").unwrap_or_else(|| UNKNOWN.to_owned()),
        phone: owned("phone"),
        campaign_role: owned("campaign_role"),
        candidate_position: owned("candidate_position"),
        whatsapp_number: owned("whatsapp_number"),
        whatsapp_opt_in: flag(row, "whatsapp_opt_in").unwrap_or(false),
    })
}

fn lead(row: &Value) -> Option<(NewLead, LeadStatus)> {
    let owned = |column| text(row, column).map(str::to_owned);
    let or_unknown = |column| owned(column).unwrap_or_else(|| UNKNOWN.to_owned());
    let status = match text(row, "status").map(str::to_lowercase).as_deref() {
        Some("contactado" | "contacted" | "qualified") => LeadStatus::Contactado,
        Some("convertido" | "converted") => LeadStatus::Convertido,
        Some("rechazado" | "lost") => LeadStatus::Rechazado,
        _ => LeadStatus::Nuevo,
    };
    let new = NewLead {
        first_name: or_unknown("first_name"),
        last_name: or_unknown("last_name"),
        email: owned("email").filter(|email| email.contains('@'))?,
        phone: or_unknown("phone"),
        interest: text(row, "interest").and_then(word).unwrap_or(Interest::Otro),
        location: or_unknown("location"),
        candidacy_type: text(row, "candidacy_type").and_then(word),
    };
    Some((new, status))
}

/// Brings the database in; exit code 2 when a row could not be.
pub(super) async fn import(intake: &Intake, original: &Original) -> Result<ExitCode> {
    let mut left = 0_u64;
    for table in original.tables().await? {
        let mut brought = Brought::default();
        let mut without = 0_u64;
        let mut after = i64::MIN;
        while let Some((last, rows)) = original.rows(&table, after).await? {
            after = last;
            match table.name.as_str() {
                "users" => {
                    for row in &rows {
                        match user(row) {
                            Some(new) => {
                                let active = flag(row, "is_active").unwrap_or(true);
                                brought += Brought::from_iter([intake.user(&new, role(row), active).await?]);
                            }
                            None => without += 1,
                        }
                    }
                }
                "leads" => {
                    for row in &rows {
                        match lead(row) {
                            Some((new, status)) => brought += Brought::from_iter([intake.lead(&new, status).await?]),
                            None => without += 1,
                        }
                    }
                }
                name => brought += intake.rows(name, &rows).await?,
            }
        }
        println!("{}: {} new, {} known", table.name, brought.added, brought.known);
        if without > 0 {
            println!("{}: {without} left out, without an e-mail address", table.name);
        }
        left += without;
    }
    Ok(if left == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}
