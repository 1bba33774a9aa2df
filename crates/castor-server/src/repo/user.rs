//! Accounts in the database.

use crate::role::Role;
use crate::user::{NewUser, User};
use sqlx::{PgConnection, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a sign-in looks at.
pub(crate) struct Credentials {
    pub(crate) id: Uuid,
    pub(crate) password_hash: String,
    pub(crate) active: bool,
    pub(crate) password_until: Option<OffsetDateTime>,
}

/// Which accounts a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    /// Part of the name or of the address, letter case and accents aside.
    pub(crate) text: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) active: Option<bool>,
}

/// What tells addresses apart: letter case aside, whatever letters the database's language knows.
fn key(email: &str) -> String {
    email.to_lowercase()
}

pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: &NewUser,
    password_hash: &str,
    password_until: Option<OffsetDateTime>,
    role: Role,
) -> Result<User, sqlx::Error> {
    query_as!(
        User,
        r#"INSERT INTO users (id, email, email_key, password_hash, role, first_name, last_name, phone, campaign_role,
                              candidate_position, whatsapp_number, whatsapp_opt_in, password_until)
           VALUES ($1, $2, $13, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           RETURNING id, email, role AS "role: Role", active, password_until, first_name, last_name, phone, campaign_role,
                     candidate_position, whatsapp_number, whatsapp_opt_in, created_at"#,
        Uuid::now_v7(),
        new.email,
        password_hash,
        role.name(),
        new.first_name,
        new.last_name,
        new.phone,
        new.campaign_role,
        new.candidate_position,
        new.whatsapp_number,
        new.whatsapp_opt_in,
        password_until,
        key(&new.email),
    )
    .fetch_one(connection)
    .await
}

pub(crate) async fn credentials(
    connection: &mut PgConnection,
    email: &str,
) -> Result<Option<Credentials>, sqlx::Error> {
    query_as!(
        Credentials,
        "SELECT id, password_hash, active, password_until FROM users WHERE email_key = $1",
        key(email)
    )
    .fetch_optional(connection)
    .await
}

pub(crate) async fn password_hash(connection: &mut PgConnection, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    query_scalar!("SELECT password_hash FROM users WHERE id = $1", id)
        .fetch_optional(connection)
        .await
}

pub(crate) async fn get(connection: &mut PgConnection, id: Uuid) -> Result<Option<User>, sqlx::Error> {
    query_as!(
        User,
        r#"SELECT id, email, role AS "role: Role", active, password_until, first_name, last_name, phone, campaign_role,
                  candidate_position, whatsapp_number, whatsapp_opt_in, created_at
           FROM users WHERE id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// The account, held until the transaction ends.
pub(crate) async fn hold(connection: &mut PgConnection, id: Uuid) -> Result<Option<User>, sqlx::Error> {
    query_as!(
        User,
        r#"SELECT id, email, role AS "role: Role", active, password_until, first_name, last_name, phone, campaign_role,
                  candidate_position, whatsapp_number, whatsapp_opt_in, created_at
           FROM users WHERE id = $1 FOR UPDATE"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Writes the personal fields of an account that is held.
pub(crate) async fn correct(connection: &mut PgConnection, user: &User) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE users SET first_name = $2, last_name = $3, phone = $4, campaign_role = $5, candidate_position = $6,
                whatsapp_number = $7, whatsapp_opt_in = $8, updated_at = now()
         WHERE id = $1",
        user.id,
        user.first_name,
        user.last_name,
        user.phone,
        user.campaign_role,
        user.candidate_position,
        user.whatsapp_number,
        user.whatsapp_opt_in
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes an account with its sessions.
pub(crate) async fn delete(connection: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    query!("DELETE FROM users WHERE id = $1", id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Name and address of an account.
pub(crate) struct Named {
    pub(crate) id: Uuid,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
}

/// Names and addresses of accounts, of those that there are.
pub(crate) async fn named(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Named>, sqlx::Error> {
    query_as!(
        Named,
        "SELECT id, first_name, last_name, email FROM users WHERE id = ANY($1)",
        ids
    )
    .fetch_all(connection)
    .await
}

/// The newest first, after the given account.
pub(crate) async fn list(
    connection: &mut PgConnection,
    sought: &Sought,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<User>, sqlx::Error> {
    query_as!(
        User,
        r#"SELECT id, email, role AS "role: Role", active, password_until, first_name, last_name, phone, campaign_role,
                  candidate_position, whatsapp_number, whatsapp_opt_in, created_at
           FROM users
           WHERE ($1::text IS NULL OR strpos(plain_text(first_name || ' ' || last_name || ' ' || email), plain_text($1)) > 0)
             AND ($2::text IS NULL OR role = $2) AND ($3::boolean IS NULL OR active = $3)
             AND ($4::uuid IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $5"#,
        sought.text,
        sought.role.map(Role::name),
        sought.active,
        after,
        limit
    )
    .fetch_all(connection)
    .await
}

/// How many accounts there are of those.
pub(crate) async fn count(connection: &mut PgConnection, sought: &Sought) -> Result<i64, sqlx::Error> {
    query_scalar!(
        r#"SELECT count(*) AS "count!" FROM users
           WHERE ($1::text IS NULL OR strpos(plain_text(first_name || ' ' || last_name || ' ' || email), plain_text($1)) > 0)
             AND ($2::text IS NULL OR role = $2) AND ($3::boolean IS NULL OR active = $3)"#,
        sought.text,
        sought.role.map(Role::name),
        sought.active
    )
    .fetch_one(connection)
    .await
}

/// Changes what is given and leaves the rest.
pub(crate) async fn update(
    connection: &mut PgConnection,
    id: Uuid,
    role: Option<Role>,
    active: Option<bool>,
) -> Result<Option<User>, sqlx::Error> {
    query_as!(
        User,
        r#"UPDATE users SET role = coalesce($2, role), active = coalesce($3, active), updated_at = now(),
                  role_changed_at = CASE WHEN coalesce($2, role) = role THEN role_changed_at ELSE now() END
           WHERE id = $1
           RETURNING id, email, role AS "role: Role", active, password_until, first_name, last_name, phone, campaign_role,
                     candidate_position, whatsapp_number, whatsapp_opt_in, created_at"#,
        id,
        role.map(Role::name),
        active
    )
    .fetch_optional(connection)
    .await
}

/// The account, when it is open and this is still the hash of its own password; held so until the transaction ends.
pub(crate) async fn hold_proven(
    connection: &mut PgConnection,
    id: Uuid,
    password_hash: &str,
) -> Result<Option<User>, sqlx::Error> {
    query_as!(
        User,
        r#"SELECT id, email, role AS "role: Role", active, password_until, first_name, last_name, phone, campaign_role,
                  candidate_position, whatsapp_number, whatsapp_opt_in, created_at
           FROM users WHERE id = $1 AND active AND password_hash = $2 AND password_until IS NULL FOR SHARE"#,
        id,
        password_hash
    )
    .fetch_optional(connection)
    .await
}

/// The account's role, held until the transaction ends.
pub(crate) async fn hold_role(connection: &mut PgConnection, id: Uuid) -> Result<Option<Role>, sqlx::Error> {
    query_scalar!(r#"SELECT role AS "role: Role" FROM users WHERE id = $1 FOR SHARE"#, id)
        .fetch_optional(connection)
        .await
}

/// Accounts whose role was changed since a moment, with their roles held until the transaction ends, in the order of their
/// ids, after the given one.
pub(crate) async fn hold_changed_roles(
    connection: &mut PgConnection,
    since: OffsetDateTime,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Uuid, Role)>, sqlx::Error> {
    let changed = query!(
        r#"SELECT id, role AS "role: Role" FROM users
           WHERE role_changed_at > $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3 FOR SHARE"#,
        since,
        after,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(changed.into_iter().map(|one| (one.id, one.role)).collect())
}

/// Puts the person's own password in the place of the one whose hash this is; false when the account is closed or has
/// another one by now.
pub(crate) async fn change_password(
    connection: &mut PgConnection,
    id: Uuid,
    was: &str,
    hash: &str,
) -> Result<bool, sqlx::Error> {
    let done = query!(
        "UPDATE users SET password_hash = $3, password_until = NULL, updated_at = now()
         WHERE id = $1 AND password_hash = $2 AND active",
        id,
        was,
        hash
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Sets the password that an administrator gives, which must be changed before `until`.
pub(crate) async fn give_password(
    connection: &mut PgConnection,
    id: Uuid,
    hash: &str,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE users SET password_hash = $2, password_until = $3, updated_at = now() WHERE id = $1",
        id,
        hash,
        until
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The active administrators, held until the transaction ends, so that two cannot demote each other at once.
pub(crate) async fn hold_administrators(connection: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
    query_scalar!("SELECT id FROM users WHERE role = 'ADMIN' AND active ORDER BY id FOR UPDATE")
        .fetch_all(connection)
        .await
}
