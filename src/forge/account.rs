//! Who did something on a forge.

use serde::{Deserialize, Serialize};

/// What an account is (GitHub REST, "Simple User", `type`).
///
/// Any other kind, such as `Mannequin` or `Enterprise`, reads as `Other`: a newer forge must not stop a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccountKind {
    /// A person, or a machine that has an ordinary account.
    User,
    /// An app.
    Bot,
    /// An organization.
    Organization,
    /// A kind that this program does not know.
    #[default]
    #[serde(other)]
    Other,
}

/// An account of a forge.
///
/// The login can be given to somebody else; the id cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    /// The name that people see; an app's ends with `[bot]`.
    pub login: String,
    /// The number that stays with the account; 0 when the forge does not tell it.
    #[serde(default)]
    pub id: u64,
    /// What it is.
    #[serde(rename = "type", default)]
    pub kind: AccountKind,
}

impl Account {
    /// Tells whether both are the same account: by their numbers where both are known, else by their names.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.id != 0 && other.id != 0 { self.id == other.id } else { self.login.eq_ignore_ascii_case(&other.login) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_the_forge_writes_it() {
        let check = |text: &str, login: &str, id: u64, kind: AccountKind| {
            let account: Account = serde_json::from_str(text).expect(text);
            assert_eq!(account, Account { login: login.to_owned(), id, kind });
        };
        check(r#"{"login": "ann", "id": 7, "type": "User", "site_admin": false}"#, "ann", 7, AccountKind::User);
        check(r#"{"login": "x[bot]", "id": 9, "type": "Bot"}"#, "x[bot]", 9, AccountKind::Bot);
        check(r#"{"login": "team", "id": 1, "type": "Organization"}"#, "team", 1, AccountKind::Organization);
        check(r#"{"login": "m", "id": 2, "type": "Mannequin"}"#, "m", 2, AccountKind::Other);
        check(r#"{"login": "ghost"}"#, "ghost", 0, AccountKind::Other);
        assert!(serde_json::from_str::<Account>(r#"{"id": 7}"#).is_err());
    }
}
