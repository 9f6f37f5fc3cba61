//! The base URL of an endpoint: what is accepted, and whether it is this machine.

use reqwest::Url;

use super::LlmError;

/// Returns `base_url` in the form that is compared, shown and sent to: `http` or `https`, no trailing slash.
///
/// # Errors
/// [`LlmError::Settings`] for another scheme, for user information, a query or a fragment. The URL is not repeated in
/// the error when it may hold a password.
pub(super) fn normalize(base_url: &str) -> Result<String, LlmError> {
    let trimmed = base_url.trim();
    let Ok(url) = Url::parse(trimmed) else {
        return Err(LlmError::Settings(format!("{:?} is not a URL", without_user(trimmed))));
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(LlmError::Settings("the base URL must begin with http:// or https://".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LlmError::Settings(
            "the base URL holds a user name or password; give the key on its own".to_owned(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(LlmError::Settings(format!("the base URL {trimmed:?} must not hold a query or a fragment")));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Tells whether `base_url` names this machine: `localhost`, 127.0.0.0/8 or `::1` (RFC 6761 and RFC 6890).
pub fn is_loopback(base_url: &str) -> bool {
    let Some(host) = Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned)) else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Tells whether what is sent to `base_url` can be read on the way.
pub(super) fn is_plain_text(base_url: &str) -> bool {
    base_url.starts_with("http://")
}

fn without_user(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_brought_into_one_form_or_refused() {
        fn check(base_url: &str, expected: &str) {
            let got = normalize(base_url).unwrap_or_else(|error| error.to_string());
            assert_eq!(got, expected, "{base_url}");
        }
        check(" https://Example.org/v1/ ", "https://example.org/v1");
        check("http://127.0.0.1:8080", "http://127.0.0.1:8080");
        check("https://example.org:443/v1", "https://example.org/v1");
        check("example.org/v1", "model settings: \"example.org/v1\" is not a URL");
        check("//u:pass@host", "model settings: \"host\" is not a URL");
        check("u:pass@host", "model settings: the base URL must begin with http:// or https://");
        check("ftp://x", "model settings: the base URL must begin with http:// or https://");
        check(
            "https://u:p@x/v1",
            "model settings: the base URL holds a user name or password; give the key on its own",
        );
        check(
            "https://x/v1?a=b",
            "model settings: the base URL \"https://x/v1?a=b\" must not hold a query or a fragment",
        );
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_else() {
        for url in ["http://localhost:1/v1", "http://127.8.9.1/", "http://[::1]:80/v1"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["http://localhost.example.org/", "http://10.0.0.1/", "http://0.0.0.0/", "https://127.0.0.1.nip.io/", ""]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
