//! Forms of the shared queue: taking some, keeping them while they are worked on, giving them back.

use crate::{AppError, Desk};
use castor_domain::review::Moment;
use castor_sync::{HttpTransport, Transport};
use castor_wire::sync::{LEASE_MINUTES, LeaseRequest};

/// Forms that are taken at once, at most.
const AT_ONCE: u16 = 100;

/// What is lent is lent on when less than this is left of it.
const LEFT: i64 = 8 * 60_000;

/// How long a form is lent, in milliseconds.
pub(super) fn lent_for() -> i64 {
    i64::from(LEASE_MINUTES) * 60_000
}

impl Desk {
    /// Asks for more forms of the shared queue; how many are lent then.
    pub(crate) async fn server_lease(&self, count: u16, departamento: Option<String>) -> Result<u32, AppError> {
        self.syncing.somebody_works((self.clock)());
        let turn = self.syncing.turn.lock().await;
        let transport = self.syncing.link().ok_or(AppError::NotSignedIn)?;
        let held = self.store.leases((self.clock)()).await?;
        let held = u16::try_from(held.len()).unwrap_or(AT_ONCE);
        let count = held.saturating_add(count).min(AT_ONCE);
        let lent = self.lend(&transport, count, departamento).await?;
        drop(turn);
        // Their events may not be here yet.
        self.syncing.woken.notify_one();
        Ok(u32::try_from(lent).unwrap_or(u32::MAX))
    }

    /// Gives forms back; all that are lent without names.
    pub(crate) async fn server_release(&self, forms: Vec<String>) -> Result<(), AppError> {
        let _turn = self.syncing.turn.lock().await;
        let transport = self.syncing.link().ok_or(AppError::NotSignedIn)?;
        let mut held = self.store.leases((self.clock)()).await?;
        let back: Vec<String> = if forms.is_empty() {
            held.iter().map(|(form, _)| form.clone()).collect()
        } else {
            forms
        };
        transport.release(&self.store.client().await?, &back).await?;
        held.retain(|(form, _)| !back.contains(form));
        Ok(self.store.set_leases(&held).await?)
    }

    /// Keeps what is lent while it waits for a person and one works here, and gives back what does not wait any more. Where
    /// nobody works, what is lent runs out by itself and others get it.
    pub(super) async fn lend_on(&self, transport: &HttpTransport) -> Result<(), AppError> {
        let now = (self.clock)();
        let held = self.store.leases(now).await?;
        if held.is_empty() {
            return Ok(());
        }
        let settled = self.store.settled_leases(now).await?;
        if !settled.is_empty() {
            transport.release(&self.store.client().await?, &settled).await?;
        }
        let waiting: Vec<(String, Moment)> = held.into_iter().filter(|(form, _)| !settled.contains(form)).collect();
        let ends = waiting.iter().any(|(_, until)| until.0 - now.0 < LEFT);
        if ends && self.syncing.attended(now) {
            let count = u16::try_from(waiting.len()).unwrap_or(AT_ONCE);
            self.lend(transport, count, None).await?;
        } else if !settled.is_empty() {
            self.store.set_leases(&waiting).await?;
        }
        Ok(())
    }

    /// Asks for so many forms, those that are lent already among them, and wants their files.
    async fn lend(
        &self,
        transport: &HttpTransport,
        count: u16,
        departamento: Option<String>,
    ) -> Result<usize, AppError> {
        let request = LeaseRequest {
            client: self.store.client().await?,
            count,
            departamento,
        };
        let lent = transport.lease(&request).await?;
        // The server's clock may be another than this laptop's.
        let until = Moment((self.clock)().0 + lent_for());
        let leases: Vec<(String, Moment)> = lent.into_iter().map(|lease| (lease.form, until)).collect();
        self.store.set_leases(&leases).await?;
        let forms: Vec<String> = leases.into_iter().map(|(form, _)| form).collect();
        self.store.want_files(&forms).await?;
        Ok(forms.len())
    }
}
