//! Which pictures of an issue are its own.

/// The most pictures of a task.
pub const MOST_PICTURES: usize = 10;

/// Tells whether `url` is a file that a person uploaded to the forge while writing, and no picture of another site.
///
/// The forms are those of GitHub and of Enterprise servers at `web_url` (GitHub, "Attaching files", November 2026: assets of
/// users; older texts hold addresses of the repository's assets and of user-images.githubusercontent.com).
pub fn is_attachment(url: &str, web_url: &str) -> bool {
    let plain =
        url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains("..") && !url.contains(['@', '\\', '%']);
    let web = web_url.trim_end_matches('/');
    let of_forge = url.strip_prefix(web).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| {
        let parts: Vec<&str> = rest.split('/').collect();
        matches!(parts.as_slice(), ["user-attachments", "assets", name] | [_, _, "assets", _, name] if !name.is_empty())
    });
    plain && (of_forge || url.starts_with("https://user-images.githubusercontent.com/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_uploaded_to_the_forge_is_its_own() {
        let web = "https://github.com";
        for own in [
            "https://github.com/user-attachments/assets/0a1b2c3d-1111-2222-3333-444455556666",
            "https://github.com/octo/repo/assets/123/0a1b2c3d",
            "https://user-images.githubusercontent.com/1/2-3.png",
        ] {
            assert!(is_attachment(own, web), "{own}");
        }
        for other in [
            "https://example.com/user-attachments/assets/1",
            "http://github.com/user-attachments/assets/1",
            "https://github.com.example.com/user-attachments/assets/1",
            "https://github.com/user-attachments/assets/",
            "https://github.com/user-attachments/assets/../../logout",
            "https://github.com@example.com/user-attachments/assets/1",
            "https://github.com/octo/repo/raw/main/a.png",
            "https://user-images.githubusercontent.com.example.com/1.png",
            "data:image/png;base64,AAAA",
        ] {
            assert!(!is_attachment(other, web), "{other}");
        }
        assert!(is_attachment("https://ghe.local/user-attachments/assets/1", "https://ghe.local/"));
    }
}
