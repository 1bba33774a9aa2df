//! Passwords: Argon2id, never more at once than there are cores to spare.

use crate::error::{ApiError, FieldProblem};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Shortest password, in characters.
pub const SHORTEST: usize = 12;
/// Longest, so that hashing stays cheap.
pub const LONGEST: usize = 256;
/// Among the most used passwords of twelve characters and more; an attacker tries them first.
const COMMON: [&str; 12] = [
    "123456789012",
    "1234567890123",
    "qwertyuiop12",
    "qwertyuiop123",
    "password1234",
    "passwordpassword",
    "contraseña123",
    "contrasena123",
    "colombia12345",
    "administrador",
    "administrator",
    "1q2w3e4r5t6y",
];

/// Hashes and verifies off the threads that answer requests.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    running: Arc<Semaphore>,
    /// Verified against when there is no such account, so that both take the same time.
    decoy: Arc<str>,
}

/// The parameters or the system's randomness cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("passwords cannot be hashed: {0}")]
pub struct PasswordError(String);

impl Passwords {
    /// 19 MiB, 2 passes, 1 lane: the smallest setting that OWASP's password storage sheet recommends for Argon2id.
    ///
    /// # Errors
    /// The system gives no random salt.
    pub fn new() -> Result<Self, PasswordError> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| PasswordError(error.to_string()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon, "no account has this password")?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            argon,
            running: Arc::new(Semaphore::new(cores)),
            decoy: decoy.into(),
        })
    }

    /// The hash to store.
    ///
    /// # Errors
    /// `INTERNAL` when hashing fails.
    pub async fn hash(&self, password: String) -> Result<String, ApiError> {
        let argon = self.argon.clone();
        self.aside(move || hash(&argon, &password)).await?.map_err(|error| {
            tracing::error!(%error, "hashing failed");
            ApiError::internal()
        })
    }

    /// Whether the password is the account's. Without an account it takes as long and is false.
    ///
    /// # Errors
    /// `INTERNAL` when the work is cut off.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, ApiError> {
        let (argon, decoy) = (self.argon.clone(), Arc::clone(&self.decoy));
        self.aside(move || {
            let hash = stored.as_deref().unwrap_or(&decoy);
            let right =
                PasswordHash::new(hash).is_ok_and(|hash| argon.verify_password(password.as_bytes(), &hash).is_ok());
            right && stored.is_some()
        })
        .await
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| ApiError::internal())?;
        // The permit goes along: a request that is given up does not let another hash begin before this one is done.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|_| ApiError::internal())
    }
}

fn hash(argon: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    let hash = argon
        .hash_password(password.as_bytes())
        .map_err(|error| PasswordError(error.to_string()))?;
    Ok(hash.to_string())
}

/// What is wrong with a new password.
#[must_use]
pub fn problem(password: &str, email: &str) -> Option<FieldProblem> {
    let length = password.chars().count();
    let small = password.to_lowercase();
    let name = email.split('@').next().unwrap_or_default().to_lowercase();
    let one_character = password
        .chars()
        .next()
        .is_some_and(|first| password.chars().all(|c| c == first));
    let rule = if !(SHORTEST..=LONGEST).contains(&length) {
        format!("has {SHORTEST} to {LONGEST} characters; a sentence is a good one")
    } else if COMMON.contains(&small.as_str()) || one_character {
        "is one of the first that an attacker tries".to_owned()
    } else if name.len() >= 4 && small.contains(&name) {
        "contains the name in the e-mail address".to_owned()
    } else {
        return None;
    };
    Some(FieldProblem {
        field: "password".to_owned(),
        rule,
    })
}
