//! Settings for `s3://` as they come from outside: what of them is shown, and whether a client can be made of them.

use std::fmt;

use url::Url;

use super::{S3Options, Secret};
use crate::error::REDACTED;
use crate::storage::error::{StorageError, StorageErrorKind};

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let S3Options { endpoint, region, access_key_id, secret_access_key, session_token, allow_http, virtual_hosted } =
            self;
        f.debug_struct("S3Options")
            .field("endpoint", &endpoint.as_deref().map(address))
            .field("region", region)
            .field("access_key_id", access_key_id)
            .field("secret_access_key", secret_access_key)
            .field("session_token", session_token)
            .field("allow_http", allow_http)
            .field("virtual_hosted", virtual_hosted)
            .finish()
    }
}

impl S3Options {
    /// Whether a client can be made of them. What it would take for granted, and panic over, is found here.
    ///
    /// # Errors
    /// [`StorageErrorKind::Invalid`] naming the setting and the variable that it usually comes from, and never its value.
    pub(in crate::storage) fn check(&self) -> Result<(), StorageError> {
        let endpoint = "the endpoint (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS_ENDPOINT)";
        let texts = [
            (endpoint, self.endpoint.as_deref()),
            ("the region (AWS_REGION or AWS_DEFAULT_REGION)", self.region.as_deref()),
            ("the access key (AWS_ACCESS_KEY_ID)", self.access_key_id.as_deref()),
            ("the secret key (AWS_SECRET_ACCESS_KEY)", self.secret_access_key.as_ref().map(Secret::expose)),
            ("the session token (AWS_SESSION_TOKEN)", self.session_token.as_ref().map(Secret::expose)),
        ];
        for (name, text) in texts {
            let Some(text) = text else { continue };
            if text.is_empty() {
                return Err(wrong(name, "is empty"));
            }
            if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong(name, "has white space, a control character, or one that is not ASCII"));
            }
        }
        if let Some(region) = &self.region
            && !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        {
            return Err(wrong(
                "the region (AWS_REGION or AWS_DEFAULT_REGION)",
                "has other characters than a-z, 0-9 and -",
            ));
        }
        match &self.endpoint {
            Some(address) => check_endpoint(address).map_err(|why| wrong(endpoint, why)),
            None => Ok(()),
        }
    }
}

fn check_endpoint(address: &str) -> Result<(), &'static str> {
    let url = match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase) => {
            return Err("has no scheme: it begins with `http://` or `https://`, such as `http://127.0.0.1:9000`");
        }
        Err(_) => return Err("is no address, such as `http://127.0.0.1:9000`"),
    };
    // The parser forgives `http:/host`, the client does not.
    if !address.contains("://") || url.host_str().is_none_or(str::is_empty) {
        return Err("has no host, such as `http://127.0.0.1:9000`");
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || address.contains(['"', '\'', '<', '>', '\\', '`', '{', '}', '|', '^'])
    {
        return Err("has characters that an address of a service does not have, such as `?`, `#`, or quotes");
    }
    Ok(())
}

fn wrong(name: &str, why: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Invalid, name, "open").with_message(format!("{name} {why}"))
}

/// The endpoint to call. A user and a password in it sign nothing, and what is below would log them: it sees that there were some.
pub(in crate::storage) fn masked(endpoint: &str) -> String {
    match Url::parse(endpoint) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            let masked = url.set_username("redacted").and_then(|()| url.set_password(None));
            masked.map_or_else(|()| address(endpoint), |()| url.to_string())
        }
        _ => endpoint.to_owned(),
    }
}

/// The endpoint to show: without a user and a password.
pub(in crate::storage) fn address(endpoint: &str) -> String {
    match Url::parse(endpoint) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            if url.username().is_empty() && url.password().is_none() {
                return endpoint.to_owned();
            }
            let without = url.set_username("").and_then(|()| url.set_password(None));
            without.map_or_else(|()| REDACTED.to_owned(), |()| url.to_string())
        }
        // Not an address, so nobody can say what of it is a password.
        _ if endpoint.contains('@') => REDACTED.to_owned(),
        _ => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StorageOptions;

    #[test]
    fn a_password_in_an_endpoint_is_never_shown() {
        for endpoint in
            ["http://bob:hunter2@127.0.0.1:1/x", "http://bob:hunter2\"@h", "bob:hunter2@h", "http://bob:hunter2/@h"]
        {
            let options = S3Options { endpoint: Some(endpoint.into()), ..S3Options::default() };
            assert!(!format!("{options:?} {}", address(endpoint)).contains("hunter2"), "{options:?}");
            assert!(!format!("{:?}", options.check()).contains("hunter2"), "{endpoint}");
        }
        assert_eq!(address("http://bob:hunter2@127.0.0.1:1/x"), "http://127.0.0.1:1/x");
        assert_eq!(address("http://127.0.0.1:1"), "http://127.0.0.1:1");
    }

    #[test]
    fn a_line_end_after_a_value_is_no_part_of_it_and_one_within_is_refused_by_name() {
        let names =
            ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let given = |name: &str| if name.starts_with("AWS_ENDPOINT") { "http://127.0.0.1:9000" } else { "value" };
        let trimmed = StorageOptions::from_variables(|name| Some(format!(" {}\r\n", given(name))));
        assert_eq!(trimmed.s3.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(trimmed.s3.secret_access_key, Some(Secret::new("value")));
        assert!(trimmed.s3.check().is_ok());
        for wrong in names {
            for within in ["va\nlue", "va\u{0}lue", "va lue", "va\u{fffd}lue", "żółć"] {
                let read = |name: &str| Some(if name == wrong { within } else { given(name) }.to_owned());
                let read = |name: &str| read(name).filter(|_| !matches!(name, "AWS_ENDPOINT_URL_S3"));
                let error = StorageOptions::from_variables(read).s3.check().unwrap_err();
                assert_eq!(error.kind(), StorageErrorKind::Invalid);
                assert!(error.to_string().contains(wrong) && !error.to_string().contains(within), "{error}");
            }
        }
    }

    #[test]
    fn an_endpoint_is_an_address_with_a_scheme() {
        let check = |endpoint: &str| S3Options { endpoint: Some(endpoint.into()), ..S3Options::default() }.check();
        for right in
            ["http://127.0.0.1:9000", "https://s3.example.org/", "HTTP://minio", "http://[::1]:9000", "http://u:p@h"]
        {
            assert!(check(right).is_ok(), "{right}");
        }
        for wrong in [
            "127.0.0.1:9000",
            "localhost:9000",
            "minio",
            "ftp://h",
            "http://",
            "http:/h",
            "http://h:99999",
            "http://h?x",
            "",
        ] {
            let error = check(wrong).expect_err(wrong).to_string();
            assert!(error.contains("AWS_ENDPOINT_URL"), "{error}");
        }
    }
}
