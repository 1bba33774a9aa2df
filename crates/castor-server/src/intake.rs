//! Data of before, brought in from the command line by `castor import-sqlite`: a desk's events, and the rows of the original's
//! SQLite databases. Everything can be brought in again without counting twice.

use crate::api::{self, push_events, put_piece};
use crate::audit::Action;
use crate::blob::{self, Piece};
use crate::config::{Config, Service};
use crate::error::{ApiError, ErrorCode};
use crate::guard::Caller;
use crate::lead::{LeadStatus, NewLead};
use crate::repo::{audit, former, lead as leads, sync as log, user as users};
use crate::role::{Permission, Role};
use crate::running::{Running, ServeError};
use crate::user::NewUser;
use castor_wire::sync::{BlobKind, BlobState, PROTOCOL, Push, PushAnswer, SyncState};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use uuid::Uuid;

/// An account cannot be signed in to while this stands in place of a hash: no password has it.
const NO_PASSWORD: &str = "!";

/// The server's databases, open for bringing in.
pub struct Intake {
    running: Running,
}

/// An account under which events are brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    caller: Caller,
    email: String,
}

impl Account {
    /// Its identity, as the desk writes it.
    #[must_use]
    pub fn id(&self) -> String {
        self.caller.user.to_string()
    }

    /// Its e-mail address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }
}

/// A table of the original whose rows are kept as they are.
pub struct FormerTable<'a> {
    intake: &'a Intake,
    name: &'a str,
    /// How often rows of each content came in this run: equal rows are as many as they were.
    seen: HashMap<u64, u32>,
}

impl FormerTable<'_> {
    /// Keeps rows, for the services that will read them. A row is known by its content and by how many like it came before.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn add(&mut self, rows: &[Value]) -> Result<Brought, ApiError> {
        let hashes: Vec<Vec<u8>> = rows.iter().map(|row| self.hash(row)).collect();
        let mut transaction = self.intake.running.server.database(Service::Dashboard)?.begin().await?;
        let added = former::insert(&mut transaction, self.name, &hashes, rows).await?;
        transaction.commit().await?;
        let all = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        Ok(Brought {
            added,
            known: all - added,
        })
    }

    /// What a row is known by. The first of its content has the hash of the content alone.
    fn hash(&mut self, row: &Value) -> Vec<u8> {
        let content = Sha256::new_with_prefix(format!("{}\n{row}", self.name));
        let hash = content.clone().finalize();
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        let before = self.seen.entry(u64::from_be_bytes(short)).or_default();
        let again = *before;
        *before += 1;
        if again == 0 {
            hash.to_vec()
        } else {
            content.chain_update(format!("\n{again}")).finalize().to_vec()
        }
    }
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
    /// There is none, it is closed, or its role sends no forms: the desk could not go on under it.
    pub async fn account(&self, email: &str) -> Result<Account, ApiError> {
        let mut connection = self.running.server.database(Service::Core)?.connection().await?;
        let user = match users::credentials(&mut connection, email).await? {
            Some(found) if found.active => users::get(&mut connection, found.id).await?,
            _ => None,
        };
        let user = user.ok_or_else(|| ApiError::not_found("open account"))?;
        if !user.role.may(Permission::UploadE14) {
            let text = format!(
                "its role {} sends no forms; name the account of who works at the desk",
                user.role.name()
            );
            return Err(ApiError::new(ErrorCode::Forbidden, text));
        }
        let caller = Caller {
            user: user.id,
            session: Uuid::nil(),
            role: user.role,
            until: u64::MAX,
        };
        Ok(Account {
            caller,
            email: user.email,
        })
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

    /// Makes a desk's store the account's, as its first sign-in would.
    ///
    /// # Errors
    /// `FORBIDDEN` when the server knows it as another account's, which is named.
    pub async fn claim(&self, account: &Account, client: Uuid) -> Result<(), ApiError> {
        let owner = {
            let mut transaction = self.running.server.database(Service::E14)?.begin().await?;
            let known = log::clients(&mut transaction, &[(client, account.caller.user)]).await?;
            transaction.commit().await?;
            known.get(&client).map(|(owner, _)| *owner)
        };
        let Some(other) = owner.filter(|owner| *owner != account.caller.user) else {
            return Ok(());
        };
        let mut connection = self.running.server.database(Service::Core)?.connection().await?;
        let other = users::get(&mut connection, other).await?;
        let email = other.map_or_else(|| "an account that is gone".to_owned(), |user| user.email);
        let text = format!("SYNC_CLIENT the server has this desk's forms under {email}");
        Err(ApiError::new(ErrorCode::Forbidden, text))
    }

    /// How much of a desk's file the server has.
    ///
    /// # Errors
    /// As the route answers them.
    pub async fn blob_state(&self, hash: &str) -> Result<BlobState, ApiError> {
        blob::state(&self.running.server, &api::hash(hash)?).await
    }

    /// Takes a piece of a desk's file in, as its own sync would send it.
    ///
    /// # Errors
    /// As the route answers them.
    pub async fn put_piece(
        &self,
        account: &Account,
        hash: &str,
        kind: BlobKind,
        offset: u64,
        total: u64,
        bytes: Vec<u8>,
    ) -> Result<BlobState, ApiError> {
        let piece = Piece::new(api::hash(hash)?, kind, offset, total, bytes.into())?;
        put_piece(&self.running.server, None, &account.caller, piece).await
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

    /// A table of the original, to keep its rows.
    #[must_use]
    pub fn table<'a>(&'a self, name: &'a str) -> FormerTable<'a> {
        FormerTable {
            intake: self,
            name,
            seen: HashMap::new(),
        }
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
