//! Accounts.

use crate::role::Role;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// An account, as everyone who may see it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its address, as written at registration.
    pub email: String,
    /// What it is for.
    pub role: Role,
    /// Whether it may sign in.
    pub active: bool,
    /// Until when a temporary password may be changed into one of its own; none where it is the person's own.
    #[serde(serialize_with = "crate::instant::rfc3339_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub password_until: Option<OffsetDateTime>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Telephone.
    pub phone: Option<String>,
    /// What the person does in the campaign.
    pub campaign_role: Option<String>,
    /// What the person stands for.
    pub candidate_position: Option<String>,
    /// WhatsApp.
    pub whatsapp_number: Option<String>,
    /// Whether messages there are welcome.
    pub whatsapp_opt_in: bool,
    /// Made at.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

/// What a new account is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewUser {
    /// Its address; one account per address, letter case aside.
    pub email: String,
    /// 12 to 256 characters.
    #[schema(min_length = 12, max_length = 256)]
    pub password: String,
    /// Given name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub first_name: String,
    /// Family name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub last_name: String,
    /// Telephone: 10 to 15 digits after an optional +.
    pub phone: Option<String>,
    /// What the person does in the campaign.
    pub campaign_role: Option<String>,
    /// What the person stands for.
    pub candidate_position: Option<String>,
    /// WhatsApp, as `phone`.
    pub whatsapp_number: Option<String>,
    /// Whether messages there are welcome.
    #[serde(default)]
    pub whatsapp_opt_in: bool,
}

/// What a person corrects of their own data. What is left out stays; an empty text takes away what need not be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct AccountCorrection {
    /// Given name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub first_name: Option<String>,
    /// Family name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub last_name: Option<String>,
    /// Telephone: 10 to 15 digits after an optional +; or empty.
    pub phone: Option<String>,
    /// What the person does in the campaign, or empty.
    pub campaign_role: Option<String>,
    /// What the person stands for, or empty.
    pub candidate_position: Option<String>,
    /// WhatsApp, as `phone`.
    pub whatsapp_number: Option<String>,
    /// Whether messages there are welcome.
    pub whatsapp_opt_in: Option<bool>,
}

impl AccountCorrection {
    /// The account with it.
    #[must_use]
    pub fn of(self, mut user: User) -> User {
        user.first_name = self.first_name.unwrap_or(user.first_name);
        user.last_name = self.last_name.unwrap_or(user.last_name);
        for (now, given) in [
            (&mut user.phone, self.phone),
            (&mut user.campaign_role, self.campaign_role),
            (&mut user.candidate_position, self.candidate_position),
            (&mut user.whatsapp_number, self.whatsapp_number),
        ] {
            if let Some(given) = given {
                *now = Some(given).filter(|text| !text.is_empty());
            }
        }
        user.whatsapp_opt_in = self.whatsapp_opt_in.unwrap_or(user.whatsapp_opt_in);
        user
    }
}

impl User {
    /// The names of the personal fields that another state of the account has otherwise.
    pub(crate) fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            ("first_name", self.first_name != other.first_name),
            ("last_name", self.last_name != other.last_name),
            ("phone", self.phone != other.phone),
            ("campaign_role", self.campaign_role != other.campaign_role),
            (
                "candidate_position",
                self.candidate_position != other.candidate_position,
            ),
            ("whatsapp_number", self.whatsapp_number != other.whatsapp_number),
            ("whatsapp_opt_in", self.whatsapp_opt_in != other.whatsapp_opt_in),
        ];
        differs
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(name, _)| name)
            .collect()
    }
}
