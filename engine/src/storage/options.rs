//! Settings of the store as plain data.

mod s3;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) use s3::{address, masked};

/// How to reach a store. Plain data: serializable, so that it can be handed to another process; secrets are written out
/// by serde and only by serde, `Debug` never shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageOptions {
    /// Settings for `s3://`.
    pub s3: S3Options,
    /// Settings for local directories.
    pub local: LocalOptions,
    /// How long and how often one call to a remote store is tried.
    pub retry: RetryOptions,
}

/// Settings for `s3://`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Options {
    /// The service's address, such as `http://127.0.0.1:9000`; the default is AWS itself.
    pub endpoint: Option<String>,
    /// The region; the default is `us-east-1`.
    pub region: Option<String>,
    /// Who signs the requests. Without it the usual AWS sources (container, instance) are asked.
    pub access_key_id: Option<String>,
    /// What the requests are signed with.
    pub secret_access_key: Option<Secret>,
    /// The token of a temporary credential.
    pub session_token: Option<Secret>,
    /// Whether plain HTTP is allowed.
    pub allow_http: bool,
    /// Whether the bucket stands in the host name instead of the path.
    pub virtual_hosted: bool,
}

/// Settings for local directories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalOptions {
    /// Whether a write is flushed to the device before it is acknowledged. A killed process loses nothing either way;
    /// only a crash of the operating system or of the power does without it.
    pub sync: bool,
    /// Whether the directory must be there already; else it is created.
    pub must_exist: bool,
}

/// How long and how often one call to a remote store is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOptions {
    /// Attempts in all, the first included; zero is taken as one.
    pub attempts_max: u32,
    /// Milliseconds after which a call to an endpoint that does not answer has failed, all attempts included. One
    /// attempt may take half of it.
    pub timeout_ms: u64,
}

impl Default for RetryOptions {
    fn default() -> Self {
        RetryOptions { attempts_max: 3, timeout_ms: 10_000 }
    }
}

impl StorageOptions {
    /// Reads the usual `AWS_*` variables. Only programs call this; the library itself never looks at its environment. White
    /// space around a value is not part of it, and one that is empty does not count; what else is wrong with a value is said
    /// when a store is opened with it.
    ///
    /// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT`, `AWS_REGION`, `AWS_DEFAULT_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ALLOW_HTTP`,
    /// `AWS_VIRTUAL_HOSTED_STYLE_REQUEST`. Plain HTTP is allowed without being asked for when the endpoint is `http://`.
    pub fn from_env() -> Self {
        // What is not UTF-8 must not pass for unset: the graph would be looked for elsewhere.
        Self::from_variables(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn from_variables(read: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &&str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let text = |names: &[&str]| names.iter().find_map(value);
        let flag = |name: &str| {
            text(&[name])
                .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
        };
        let endpoint = text(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
        let plain = endpoint.as_deref().is_some_and(|endpoint| endpoint.to_ascii_lowercase().starts_with("http://"));
        StorageOptions {
            s3: S3Options {
                endpoint,
                region: text(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
                access_key_id: text(&["AWS_ACCESS_KEY_ID"]),
                secret_access_key: text(&["AWS_SECRET_ACCESS_KEY"]).map(Secret::new),
                session_token: text(&["AWS_SESSION_TOKEN"]).map(Secret::new),
                allow_http: plain || flag("AWS_ALLOW_HTTP"),
                virtual_hosted: flag("AWS_VIRTUAL_HOSTED_STYLE_REQUEST"),
            },
            ..StorageOptions::default()
        }
    }
}

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed by accident.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_secret_and_serde_carries_it() {
        let options = StorageOptions {
            s3: S3Options { secret_access_key: Some(Secret::new("hunter2")), ..S3Options::default() },
            ..StorageOptions::default()
        };
        assert!(!format!("{options:?}").contains("hunter2"));
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<StorageOptions>(&text).unwrap(), options);
    }

    #[test]
    fn variables_are_read_by_their_usual_names_and_empty_ones_do_not_count() {
        let options = StorageOptions::from_variables(|name| match name {
            "AWS_ENDPOINT_URL_S3" => Some(String::new()),
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:9000".into()),
            "AWS_ACCESS_KEY_ID" => Some("key".into()),
            _ => None,
        });
        assert_eq!(options.s3.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(options.s3.access_key_id.as_deref(), Some("key"));
        assert!(options.s3.allow_http, "an http endpoint is asked for in so many words");
        assert_eq!(options.s3.secret_access_key, None);
    }
}
