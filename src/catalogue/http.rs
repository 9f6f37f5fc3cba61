//! A file from an address: streamed to the disk, going on where it was cut.
//!
//! What is here of a file is never given up for less: where a server sends the whole of it again, the beginning is passed
//! over, and the digest shows in the end whether both were of one file.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url, redirect};

use super::fetch::{Means, Trouble};
use super::files::{Files, absent_is_fine};
use super::{CatalogueError, Entry};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(60);
/// Redirects that are followed: model hubs send to a store of files.
const MOST_REDIRECTS: usize = 5;
/// Waits before the tries after a connection that was cut, as long as none brings a byte more.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];

/// How one request ended that did not bring the rest.
enum Ended {
    /// It may go on from what is here.
    Cut(String),
    /// A server that is there cannot answer now.
    Busy(StatusCode),
    Trouble(Trouble),
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<CatalogueError> for Ended {
    fn from(error: CatalogueError) -> Self {
        Self::Trouble(Trouble::Fatal(error))
    }
}

/// Fetches what is missing of the file; its digest is not looked at.
pub(super) async fn download(url: &str, entry: &Entry, files: &Files, means: &Means<'_>) -> Result<(), Trouble> {
    let client = client(url).map_err(Trouble::Source)?;
    // A source that never answered is not waited for: the next one may.
    let (mut furthest, mut has_begun, mut tries) = (files.part_bytes(), false, 0);
    loop {
        let why = match request(&client, url, entry, files, means).await {
            Ok(()) => return Ok(()),
            Err(Ended::Trouble(trouble)) => return Err(trouble),
            Err(Ended::Cut(why)) => why,
            Err(Ended::Busy(status)) => {
                // Another source may have to bring all of it.
                has_begun |= furthest > 0;
                format!("HTTP {status}")
            }
        };
        let here = files.part_bytes();
        if here > furthest {
            (furthest, has_begun, tries) = (here, true, 0);
        }
        let Some(pause) = PAUSES.get(tries).filter(|_| has_begun) else { return Err(Trouble::Source(why)) };
        tries += 1;
        means.watch.note(&format!("{why}; going on in {} s", pause.as_secs()));
        tokio::select! {
            () = means.cancel.cancelled() => return Err(files.cancelled().into()),
            () = means.wait.wait(*pause) => {}
        }
    }
}

async fn request(client: &Client, url: &str, entry: &Entry, files: &Files, means: &Means<'_>) -> Result<(), Ended> {
    let mut from = files.part_bytes();
    if from == entry.bytes {
        return Ok(());
    }
    if from > entry.bytes {
        files.remove_parts()?;
        from = 0;
    }
    let mut request = client.get(url).header(ACCEPT_ENCODING, "identity");
    if from > 0 {
        request = request.header(RANGE, format!("bytes={from}-"));
    }
    let response = tokio::select! {
        () = means.cancel.cancelled() => return Err(files.cancelled().into()),
        response = request.send() => response.map_err(|error| Ended::Cut(root_cause(&error)))?,
    };
    let start = start_of(&response, from, entry, files)?;
    receive(response, start..from, entry, files, means).await
}

/// Returns the place in the file at which the answer begins, or why the answer is none.
fn start_of(response: &Response, from: u64, entry: &Entry, files: &Files) -> Result<u64, Ended> {
    let refused = |why: String| Err(Ended::Trouble(Trouble::Source(why)));
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let status = response.status();
    let (start, size) = match status {
        StatusCode::PARTIAL_CONTENT => match range(text(CONTENT_RANGE)) {
            Some((start, size)) if start == from => (start, size),
            _ => return refused(format!("it was asked for the bytes from {from} and sends {:?}", text(CONTENT_RANGE))),
        },
        StatusCode::OK => (0, response.content_length()),
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => {
            // The file there is another one, or was.
            files.remove_parts()?;
            return Err(Ended::Cut(format!("it has no bytes from {from} on")));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => return Err(Ended::Busy(status)),
        status if status.is_server_error() => return Err(Ended::Busy(status)),
        _ => return refused(format!("HTTP {status}")),
    };
    if text(CONTENT_TYPE).starts_with("text/html") {
        return refused("it sends a page in the place of the file".to_owned());
    }
    match size {
        Some(size) if size != entry.bytes => {
            refused(format!("its file has {size} bytes, it must have {}", entry.bytes))
        }
        _ => Ok(start),
    }
}

/// Reads `bytes START-END/SIZE` (RFC 9110, 14.4).
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (places, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = places.split_once('-')?;
    Some((start.parse().ok()?, size.parse().ok()))
}

fn open(files: &Files, from: u64) -> Result<File, CatalogueError> {
    if from == 0 {
        absent_is_fine(&files.joined, std::fs::remove_file(&files.joined))?;
    }
    let file = File::options().create(true).append(true).open(&files.part);
    file.map_err(|source| CatalogueError::io(&files.part, source))
}

/// Writes what comes to what is here; the bytes of `known` come first and are here.
async fn receive(
    mut response: Response,
    known: Range<u64>,
    entry: &Entry,
    files: &Files,
    means: &Means<'_>,
) -> Result<(), Ended> {
    let (mut file, mut length) = (open(files, known.end)?, known.start);
    loop {
        let chunk = tokio::select! {
            () = means.cancel.cancelled() => return Err(files.cancelled().into()),
            chunk = response.chunk() => chunk,
        };
        let Some(chunk) = chunk.map_err(|error| Ended::Cut(root_cause(&error)))? else { break };
        length += chunk.len() as u64;
        if length > entry.bytes {
            files.remove_parts()?;
            return Err(Trouble::Source(format!("it sends more than the {} bytes of the file", entry.bytes)).into());
        }
        let new = length.saturating_sub(known.end).min(chunk.len() as u64);
        let new = &chunk[chunk.len() - usize::try_from(new).unwrap_or(chunk.len())..];
        file.write_all(new).map_err(|source| CatalogueError::io(&files.part, source))?;
        means.watch.progress(length.max(known.end), entry.bytes);
    }
    if length < entry.bytes {
        return Err(Ended::Cut(format!("it ended after {length} of {} bytes", entry.bytes)));
    }
    Ok(())
}

/// Makes a client that trusts the system's list of authorities.
fn client(url: &str) -> Result<Client, String> {
    let address = Url::parse(url).map_err(|error| format!("it is no address: {error}"))?;
    // An error says that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        let policy = redirect::Policy::custom(|attempt| {
            let was_safe = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            match attempt.previous().len() {
                hops if hops > MOST_REDIRECTS => attempt.error("too many redirects"),
                _ if was_safe && attempt.url().scheme() != "https" => attempt.error("a redirect to plain text"),
                _ => attempt.follow(),
            }
        });
        let builder: ClientBuilder = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).redirect(policy);
        builder.user_agent(concat!("prentice/", env!("CARGO_PKG_VERSION")))
    };
    let built = match (is_loopback(&address), address.scheme()) {
        // A proxy's loopback is another machine.
        (true, "https") => builder().no_proxy().build(),
        // Small containers have no list of authorities; a redirect to an address that is encrypted needs one.
        (true, _) => builder().no_proxy().build().or_else(|_| builder().no_proxy().tls_certs_only([]).build()),
        (false, "http") => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
        (false, _) => builder().build(),
    };
    built.map_err(|error| root_cause(&error))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the address of a file in a folder; a query, as signed addresses have it, stays behind the path.
pub(super) fn below(folder: &str, file: &str) -> String {
    let place = folder.find(['?', '#']).unwrap_or(folder.len());
    let (path, rest) = folder.split_at(place);
    format!("{}/{file}{rest}", path.trim_end_matches('/'))
}

/// Writes an address for people, without what may be secret in it: name, password and query.
pub(super) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            // Addresses that cannot have them have none.
            let _ = (url.set_username(""), url.set_password(None));
            url.set_fragment(None);
            if url.query().is_some() {
                url.set_query(Some("..."));
            }
            url.to_string()
        }
        Err(_) => "an address that cannot be read".to_owned(),
    }
}

/// Returns the innermost cause; the outer ones repeat the address, which may hold a password.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "nothing came in time".to_owned();
    }
    let outer: &dyn std::error::Error = error;
    let mut cause = outer;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if outer.source().is_none() { "the request cannot be made".to_owned() } else { cause.to_string() }
}
