//! Characters that show nothing: which of them are ordinary where they stand, and which hide something.

use super::removed::{Channel, Tally};
use crate::repo::is_control_or_invisible;

/// As many characters in a row are shown escaped; more of them are data, and are only counted.
const MOST_ESCAPED: usize = 4;

/// Runs of blanks longer than this leave every screen.
const MOST_BLANKS: usize = 100;

/// Runs of blank lines longer than this leave every screen.
const MOST_BLANK_LINES: usize = 20;

/// The flags that are made of tag characters (Unicode emoji sequences, RGI_Emoji_Tag_Sequence).
const TAG_FLAGS: &[&str] = &[
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}",
];

/// Returns the text without what shows nothing; line ends and tabs stay.
pub(super) fn remove(text: &str, tally: &mut Tally) -> String {
    walk(text, tally, |c| matches!(c, '\n' | '\t'), |_, _| {})
}

/// Returns the text with what shows nothing written out: `\n`, `\u{202E}`.
pub(super) fn escape(text: &str, tally: &mut Tally) -> String {
    walk(
        text,
        tally,
        |_| false,
        |hidden, shown| {
            let data = |c: &char| matches!(channel_of(*c), Some(Channel::TagCharacter | Channel::VariationSelector));
            if hidden.len() > MOST_ESCAPED || hidden.iter().any(data) {
                shown.push_str(&format!("[{} invisible characters]", hidden.len()));
            } else {
                hidden.iter().for_each(|c| shown.extend(c.escape_default()));
            }
        },
    )
}

/// Makes every kind of blank a space, but for the wide one of East Asian text.
pub(super) fn plain_spaces(text: &str) -> String {
    text.chars().map(|c| if is_odd_blank(c) { ' ' } else { c }).collect()
}

/// Puts a note in the place of gaps that are longer than any screen.
pub(super) fn close_gaps(text: &str, tally: &mut Tally) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut blank_lines = 0;
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let last = lines.peek().is_none();
        let is_blank = line.chars().all(is_blank);
        if is_blank && !last {
            blank_lines += 1;
            continue;
        }
        push_blank_lines(&mut shown, std::mem::take(&mut blank_lines), tally);
        push_line(&mut shown, line, tally);
        if !last {
            shown.push('\n');
        }
    }
    shown
}

fn push_blank_lines(shown: &mut String, lines: usize, tally: &mut Tally) {
    if lines > MOST_BLANK_LINES {
        tally.add(Channel::Spacing, lines);
        shown.push_str(&format!("[{lines} blank lines]\n"));
    } else {
        shown.extend(std::iter::repeat_n('\n', lines));
    }
}

fn push_line(shown: &mut String, line: &str, tally: &mut Tally) {
    if line.len() <= MOST_BLANKS {
        return shown.push_str(line);
    }
    let mut rest = line;
    while let Some(start) = rest.find(is_blank) {
        let tail = &rest[start..];
        let end = tail.find(|c| !is_blank(c)).unwrap_or(tail.len());
        let blanks = tail[..end].chars().count();
        shown.push_str(&rest[..start]);
        if blanks > MOST_BLANKS {
            tally.add(Channel::Spacing, end);
            shown.push_str(&format!(" [{blanks} blanks] "));
        } else {
            shown.push_str(&tail[..end]);
        }
        rest = &tail[end..];
    }
    shown.push_str(rest);
}

/// Goes through a text: ordinary characters and those that `keep` names are taken over, runs of others go to `put`.
fn walk(text: &str, tally: &mut Tally, keep: fn(char) -> bool, put: impl Fn(&[char], &mut String)) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut hidden = Vec::new();
    let (mut previous, mut letter) = ('\n', ' ');
    let mut skip_until = 0;
    for (at, c) in text.char_indices() {
        if at < skip_until {
            continue;
        }
        if let Some(flag) = flag_at(&text[at..], c) {
            shown.push_str(flag);
            skip_until = at + flag.len();
            previous = c;
            continue;
        }
        let channel = channel_of(c).filter(|_| !keep(c));
        match channel {
            Some(channel) if !is_ordinary(letter, previous, c, &text[at + c.len_utf8()..]) => {
                tally.add(channel, c.len_utf8());
                hidden.push(c);
            }
            _ => {
                put(&std::mem::take(&mut hidden), &mut shown);
                if channel.is_none() || !is_dropped_quietly(c) {
                    shown.push(c);
                }
            }
        }
        previous = c;
        letter = if c.is_alphabetic() { c } else { letter };
    }
    put(&hidden, &mut shown);
    shown
}

fn flag_at(text: &str, first: char) -> Option<&'static str> {
    if first != '\u{1F3F4}' {
        return None;
    }
    TAG_FLAGS.iter().copied().find(|flag| text.starts_with(flag))
}

/// Returns how a character hides, if it shows nothing.
fn channel_of(c: char) -> Option<Channel> {
    if matches!(c, ' '..='~') {
        return None;
    }
    let private = matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}');
    if !private && !is_control_or_invisible(c) {
        return None;
    }
    Some(match c {
        _ if private => Channel::PrivateUse,
        '\u{E0000}'..='\u{E00FF}' => Channel::TagCharacter,
        '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' | '\u{180B}'..='\u{180D}' | '\u{180F}' => {
            Channel::VariationSelector
        }
        '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' => Channel::ZeroWidth,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}' => Channel::Bidi,
        _ if c.is_control() => Channel::Control,
        _ => Channel::Filler,
    })
}

/// Tells whether an invisible character belongs where it stands: to an emoji, to a script that needs it, or to the
/// beginning of a file. `letter` is the last one before it.
fn is_ordinary(letter: char, before: char, c: char, after: &str) -> bool {
    let next = after.chars().next().unwrap_or('\n');
    match c {
        '\u{FE0E}' | '\u{FE0F}' => has_emoji_form(before),
        '\u{FE00}'..='\u{FE02}' | '\u{E0100}'..='\u{E011F}' => is_ideograph(before),
        '\u{180B}'..='\u{180D}' | '\u{180F}' => matches!(before, '\u{1820}'..='\u{18AA}'),
        '\u{200D}' if is_pictorial(before) => is_pictorial(next),
        '\u{200C}' | '\u{200D}' => is_joining(before) && !is_control_or_invisible(next),
        '\u{200B}' => is_unspaced(before) && is_unspaced(next),
        '\u{061C}' | '\u{200E}' | '\u{200F}' => {
            let alone = !is_control_or_invisible(before) && (next == '\n' || !is_control_or_invisible(next));
            alone && (is_right_to_left(letter) || is_right_to_left(next))
        }
        '\u{FEFF}' => before == '\n',
        '\r' => next == '\n',
        _ => false,
    }
}

/// Tells ordinary characters that say nothing to a reader of plain text: marks of files and of glyph shapes.
fn is_dropped_quietly(c: char) -> bool {
    matches!(c, '\u{FEFF}' | '\r' | '\u{FE00}'..='\u{FE02}' | '\u{E0100}'..='\u{E011F}')
}

/// Tells characters that have a form as text and one as a picture (Unicode emoji variation sequences).
fn has_emoji_form(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*' | '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{2BFF}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{1F000}'..='\u{1FAFF}')
}

/// Tells what can stand at either side of a joiner in an emoji: a picture, a skin tone, or the selector of its form.
fn is_pictorial(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{FE0F}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Tells letters of scripts whose spelling needs joiners: from Arabic to Sinhala, Tibetan to Mongolian, Balinese to Lepcha.
fn is_joining(c: char) -> bool {
    !is_control_or_invisible(c)
        && matches!(c, '\u{0620}'..='\u{08FF}' | '\u{0900}'..='\u{0DFF}' | '\u{0F00}'..='\u{109F}'
            | '\u{1780}'..='\u{18AF}' | '\u{1B00}'..='\u{1C4F}' | '\u{A800}'..='\u{ABFF}'
            | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' | '\u{11000}'..='\u{11FFF}' | '\u{1E900}'..='\u{1E95F}')
}

/// Tells letters of scripts that are written without spaces, where a blank without width allows a line to break.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{1900}'..='\u{1AAF}')
        && !is_control_or_invisible(c)
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}')
        && !is_control_or_invisible(c)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{3000}') || is_odd_blank(c)
}

/// Tells blanks other than the space (Unicode general category Zs, and the empty braille pattern).
fn is_odd_blank(c: char) -> bool {
    matches!(c, '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{2800}')
}
