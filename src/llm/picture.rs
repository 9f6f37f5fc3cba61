//! Pictures for models that can see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The largest picture, in bytes: what base64 makes of it stays below 5 MB, the smallest limit among the large services
/// (Anthropic, "Vision"; OpenAI takes more).
pub const MAX_PICTURE_BYTES: usize = 3_700_000;

/// A picture that a model with eyes is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its type, as its first bytes say: `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub media_type: String,
    /// Its bytes in base64 (RFC 4648, section 4).
    pub base64: String,
}

/// Why bytes are no picture for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Too many bytes.
    #[error("{bytes} bytes; a picture has at most {MAX_PICTURE_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The first bytes are of none of the types that models take.
    #[error("by its first bytes it is no PNG, JPEG, GIF or WebP")]
    Unknown,
}

impl Picture {
    /// Takes the bytes of a file; its name says nothing.
    ///
    /// # Errors
    /// [`PictureError`] when it is too large or of another type.
    pub fn of(bytes: &[u8]) -> Result<Self, PictureError> {
        if bytes.len() > MAX_PICTURE_BYTES {
            return Err(PictureError::TooLarge { bytes: bytes.len() });
        }
        let media_type = media_type(bytes).ok_or(PictureError::Unknown)?;
        Ok(Self { media_type: media_type.to_owned(), base64: STANDARD.encode(bytes) })
    }
}

/// Fetches a picture that was uploaded to a forge, without any credential.
///
/// The caller decides whether the address is one to ask; it may lead on to at most three others, by https or on this machine.
///
/// # Errors
/// Why there is none, in words.
pub async fn fetch_picture(url: &str) -> Result<Picture, String> {
    let client = super::wire::client_for_files(url)?;
    let mut reply = client.get(url).send().await.map_err(|error| error.without_url().to_string())?;
    if !reply.status().is_success() {
        return Err(format!("the answer is {}", reply.status()));
    }
    let mut bytes = Vec::new();
    while let Some(part) = reply.chunk().await.map_err(|error| error.without_url().to_string())? {
        bytes.extend_from_slice(&part);
        if bytes.len() > MAX_PICTURE_BYTES {
            return Err(format!("it is larger than {MAX_PICTURE_BYTES} bytes"));
        }
    }
    Picture::of(&bytes).map_err(|error| error.to_string())
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} base64 characters", self.media_type, self.base64.len())
    }
}

/// Goes by the signatures (PNG 5.2; JFIF: start of image; GIF 89a, section 17; RFC 9649, 2.3).
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_what_the_first_bytes_say() {
        let of = |bytes: &[u8]| Picture::of(bytes).map(|picture| picture.media_type);
        assert_eq!(of(b"\x89PNG\r\n\x1a\n...."), Ok("image/png".to_owned()));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Ok("image/jpeg".to_owned()));
        assert_eq!(of(b"GIF89a.."), Ok("image/gif".to_owned()));
        assert_eq!(of(b"RIFF\x01\x00\x00\x00WEBPVP8 "), Ok("image/webp".to_owned()));
        for other in [&b""[..], b"<svg xmlns=", b"RIFF\x01\x00\x00\x00WAVE", b"%PDF-1.7", b"GIF88a"] {
            assert_eq!(of(other), Err(PictureError::Unknown));
        }
    }

    #[test]
    fn a_picture_has_a_largest_size() {
        let mut bytes = b"\xff\xd8\xff".to_vec();
        bytes.resize(MAX_PICTURE_BYTES, 0);
        assert!(Picture::of(&bytes).is_ok_and(|picture| picture.base64.len() < 5_000_000));
        bytes.push(0);
        assert_eq!(Picture::of(&bytes), Err(PictureError::TooLarge { bytes: MAX_PICTURE_BYTES + 1 }));
    }
}
