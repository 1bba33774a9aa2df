//! Data of before, brought in from the command line by `castor import-sqlite`: a desk's events, and the rows of the original's
//! SQLite databases. Everything can be brought in again without counting twice.

use crate::api::push_events;
use crate::audit::Action;
use crate::config::{Config, Service};
use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::lead::{LeadStatus, NewLead};
use crate::repo::{audit, former, lead as leads, sync as log, user as users};
use crate::role::Role;
use crate::running::{Running, ServeError};
use crate::user::NewUser;
use castor_wire::sync::{PROTOCOL, Push, PushAnswer, SyncState};
use serde_json::{Value, json};
use uuid::Uuid;

/// An account cannot be signed in to while this stands in place of a hash: no password has it.
const NO_PASSWORD: &str = "!";

/// The server's databases, open for bringing in.
pub struct Intake {
    running: Running,
}

/// An account under which events are brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    caller: Caller,
}

/// How many came in, and how many were there before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// New.
    pub added: u64,
    /// Known already, left as they are.
    pub known: u64,
}

impl Brought {
    /// One more, new or known.
    fn count(&mut self, new: bool) {
        if new {
            self.added += 1;
        } else {
            self.known += 1;
        }
    }
}

impl Intake {
    /// Opens the databases and brings their tables up to date.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn open(config: Config) -> Result<Self, ServeError> {
        let running = Running::open(config).await?;
        running.migrate().await?;
        Ok(Self { running })
    }

    /// Ends the private cluster, unless another process uses it.
    ///
    /// # Errors
    /// It does not end.
    pub async fn close(self) -> Result<(), ServeError> {
        self.running.close().await
    }

    /// The account with an e-mail address.
    ///
    /// # Errors
    /// There is none, or it is closed.
    pub async fn account(&self, email: &str) -> Result<Account, ApiError> {
        let mut connection = self.running.server.database(Service::Core)?.connection().await?;
        let user = match users::credentials(&mut connection, email).await? {
            Some(found) if found.active => users::get(&mut connection, found.id).await?,
            _ => None,
        };
        let user = user.ok_or_else(|| ApiError::not_found("open account"))?;
        let caller = Caller {
            user: user.id,
            session: Uuid::nil(),
            role: user.role,
            until: u64::MAX,
        };
        Ok(Account { caller })
    }

    /// Where sync stands for a desk's store.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn state(&self, client: Uuid) -> Result<SyncState, ApiError> {
        let mut connection = self.running.server.database(Service::E14)?.connection().await?;
        let (next, last) = log::state(&mut connection, client).await?;
        Ok(SyncState {
            protocol: PROTOCOL,
            oldest: PROTOCOL,
            next,
            last,
        })
    }

    /// Takes a desk's events in, as its own sync would send them.
    ///
    /// # Errors
    /// As the route answers them.
    pub async fn push(&self, account: &Account, push: Push) -> Result<PushAnswer, ApiError> {
        push_events(&self.running.server, &account.caller, push).await
    }

    /// Makes an account that cannot be signed in to until an administrator sets a password. False when its address has one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn user(&self, new: &NewUser, role: Role, active: bool) -> Result<bool, ApiError> {
        let mut transaction = self.running.server.database(Service::Core)?.begin().await?;
        if users::credentials(&mut transaction, &new.email).await?.is_some() {
            return Ok(false);
        }
        let user = users::insert(&mut transaction, new, NO_PASSWORD, None, role).await?;
        users::update(&mut transaction, user.id, None, Some(active)).await?;
        let detail = json!({ "role": role.name(), "imported": true });
        audit::write(&mut transaction, None, None, Action::Registered, Some(user.id), detail).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Notes a request for a demonstration. False when its address has one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn lead(&self, new: &NewLead, status: LeadStatus) -> Result<bool, ApiError> {
        let mut transaction = self.running.server.database(Service::Core)?.begin().await?;
        let lead = match leads::insert(&mut transaction, new).await.map_err(ApiError::from) {
            Err(error) if error.code() == ErrorCode::AlreadyExists => return Ok(false),
            other => other?,
        };
        leads::set_status(&mut transaction, lead.id, status).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Keeps rows of a table of the original as they are, for the services that will read them. A row is known by its content.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rows(&self, table: &str, rows: &[Value]) -> Result<Brought, ApiError> {
        let mut transaction = self.running.server.database(Service::Dashboard)?.begin().await?;
        let added = former::insert(&mut transaction, table, rows).await?;
        transaction.commit().await?;
        let all = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        Ok(Brought {
            added,
            known: all - added,
        })
    }
}

impl std::ops::AddAssign for Brought {
    fn add_assign(&mut self, more: Self) {
        self.added += more.added;
        self.known += more.known;
    }
}

impl FromIterator<bool> for Brought {
    fn from_iter<T: IntoIterator<Item = bool>>(outcomes: T) -> Self {
        let mut brought = Self::default();
        for new in outcomes {
            brought.count(new);
        }
        brought
    }
}
