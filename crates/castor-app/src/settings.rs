//! Settings of this laptop.

use crate::folders::choose_data_folder;
use crate::server::full_name;
use crate::view::{SamplingSettings, SecretsView, Settings};
use crate::{AppError, Desk};
use castor_domain::review::{MACHINE, Sampling};
use castor_sync::HttpTransport;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Name under which the settings are kept.
const NAME: &str = "desk";

/// Setting: the name that stands beside corrections until a person chooses one.
const DRAWN: &str = "person.drawn";
/// How long the server is given to say whether a name is free.
const ASKING: Duration = Duration::from_secs(3);
/// Characters of a name.
const LONGEST_NAME: usize = 80;

/// What holds before anything was set.
fn usual(person: String) -> Settings {
    Settings {
        language: "es-CO".to_owned(),
        person,
        theme: "system".to_owned(),
        blind: false,
        keys: std::collections::BTreeMap::new(),
        sampling: SamplingSettings::default(),
        threshold: None,
    }
}

/// Who is signed in to this computer.
fn computers_user() -> String {
    let user = std::env::var("USER").ok().filter(|name| !name.is_empty());
    user.unwrap_or_else(|| "revisor".to_owned())
}

impl Desk {
    /// The settings.
    pub(crate) async fn settings(&self) -> Result<Settings, AppError> {
        let kept = self.store.setting(NAME).await?;
        // Settings of another version that no longer fit give way to the usual ones.
        match kept.and_then(|text| serde_json::from_str(&text).ok()) {
            Some(settings) => Ok(settings),
            None => Ok(usual(self.drawn_name().await?)),
        }
    }

    /// The name until a person chooses one. Laptops that were set up alike have the same user; on a server a name is one
    /// account's, and what was corrected here before anybody signed in must not be taken for another's.
    async fn drawn_name(&self) -> Result<String, AppError> {
        if let Some(drawn) = self.store.setting(DRAWN).await? {
            return Ok(drawn);
        }
        let mark: String = uuid::Uuid::now_v7().simple().to_string().chars().skip(28).collect();
        let user: String = computers_user().chars().take(LONGEST_NAME - 5).collect();
        Ok(self.store.setting_or(DRAWN, format!("{user}-{mark}")).await?)
    }

    /// Changes the settings for a person. A name that is another account's on the server is refused, where it can be asked.
    pub(crate) async fn choose_settings(&self, settings: Settings) -> Result<Settings, AppError> {
        let former = self.settings().await?.person;
        if settings.person.trim() != former
            && let Some(transport) = self.syncing.link()
        {
            let name = settings.person.trim().to_owned();
            let asked = tokio::time::timeout(ASKING, transport.take_name(vec![name])).await;
            if let Ok(Ok(None)) = asked {
                return Err(AppError::NameTaken);
            }
        }
        self.save_settings(settings).await
    }

    /// Changes the settings.
    pub(crate) async fn save_settings(&self, settings: Settings) -> Result<Settings, AppError> {
        let person = settings.person.trim().to_owned();
        if person.is_empty() || person.chars().count() > LONGEST_NAME {
            return Err(AppError::Asked("a name of 1 to 80 characters is needed".to_owned()));
        }
        if person == MACHINE {
            return Err(AppError::Asked(format!("\"{MACHINE}\" is the machine's own name")));
        }
        let sampling = &settings.sampling;
        if sampling.second_percent > 100 || sampling.known_percent > 100 {
            return Err(AppError::Asked("a share is of 0 to 100 %".to_owned()));
        }
        // The model's threshold is chosen on held-out forms for a stated error: it may be raised, never lowered.
        let floor = self.reader.threshold();
        if let Some(threshold) = settings.threshold
            && !(floor..=1.0).contains(&threshold)
        {
            return Err(AppError::Asked(format!(
                "the threshold lies between the model's own, {floor}, and 1"
            )));
        }
        let settings = Settings { person, ..settings };
        let text = serde_json::to_string(&settings).map_err(|e| AppError::Asked(e.to_string()))?;
        self.store.set_setting(NAME, &text).await?;
        Ok(settings)
    }

    /// Gives a person who has not chosen a name the account's, and one whose name is another account's their own with the
    /// address beside it: what stands beside corrections belongs to one account alone.
    pub(crate) async fn named_by_account(&self, transport: &HttpTransport) -> Result<(), AppError> {
        let account = transport.account().await;
        let settings = self.settings().await?;
        let chosen = settings.person != self.drawn_name().await? && settings.person != computers_user();
        let full = full_name(&account);
        let liked = if chosen || full.is_empty() {
            settings.person.clone()
        } else {
            full
        };
        let beside = format!(" ({})", account.email);
        let room = LONGEST_NAME.saturating_sub(beside.chars().count());
        let short = |room: usize| liked.chars().take(room).collect::<String>();
        let names = vec![short(LONGEST_NAME), short(room) + &beside];
        let person = match transport.take_name(names).await {
            Ok(Some(name)) => name,
            // Nobody was asked, or the account corrects nothing.
            Ok(None) | Err(_) => short(LONGEST_NAME),
        };
        if person != settings.person {
            self.save_settings(Settings { person, ..settings }).await?;
        }
        Ok(())
    }

    /// Which secrets are set, and where they are kept.
    pub(crate) async fn secrets(self: &Arc<Self>) -> Result<SecretsView, AppError> {
        let desk = Arc::clone(self);
        let view = tokio::task::spawn_blocking(move || desk.secrets.view()).await;
        view.map_err(|e| AppError::Cut(e.to_string()))?
    }

    /// Sets a secret, or forgets it.
    pub(crate) async fn save_secret(
        self: &Arc<Self>,
        name: String,
        value: Option<String>,
    ) -> Result<SecretsView, AppError> {
        let desk = Arc::clone(self);
        let set = tokio::task::spawn_blocking(move || desk.secrets.set(&name, value.as_deref())).await;
        set.map_err(|e| AppError::Cut(e.to_string()))??;
        self.secrets().await
    }

    /// Chooses the data folder from the next start on.
    pub(crate) fn choose_data_folder(&self, folder: &Path) -> Result<(), AppError> {
        choose_data_folder(&self.settings_folder, folder)
    }
}

impl SamplingSettings {
    /// Which forms are read a second time.
    pub(crate) fn second(&self) -> Sampling {
        Sampling::of_percent(self.seed.clone(), self.second_percent)
    }

    /// When a cell with a settled answer comes before the next form.
    pub(crate) fn known(&self) -> Sampling {
        Sampling::of_percent(self.seed.clone(), self.known_percent)
    }
}
