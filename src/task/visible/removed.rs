//! What was hidden, by the channel that hid it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How something was hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// HTML comments, declarations, processing instructions, and comments of diagrams.
    Comment,
    /// Link definitions that no link uses.
    LinkDefinition,
    /// Titles of links and pictures, which only show under the mouse.
    Title,
    /// What stands in the place of a picture that does not load.
    AltText,
    /// Attributes of HTML elements.
    Attribute,
    /// Targets of links without text, and targets of a kind that a forge does not link.
    LinkTarget,
    /// The inside of elements that are not shown.
    HiddenElement,
    /// The names of elements that HTML does not know.
    UnknownElement,
    /// What follows the language behind the fence of a code block.
    CodeInfo,
    /// Footnotes that nothing refers to.
    Footnote,
    /// Comments, definitions, labels and blank boxes in formulas.
    Math,
    /// Tag characters (U+E0000 to U+E007F).
    TagCharacter,
    /// Variation selectors where there is nothing to vary.
    VariationSelector,
    /// Characters without width, and joiners between letters that do not join.
    ZeroWidth,
    /// Signs that turn the reading direction.
    Bidi,
    /// Soft hyphens, fillers and other characters that show nothing.
    Filler,
    /// Control characters.
    Control,
    /// Characters whose look is a private agreement.
    PrivateUse,
    /// Runs of blanks or blank lines that push what follows out of sight.
    Spacing,
}

impl Channel {
    /// Tells whether single characters are hidden in it, and not pieces of markup.
    pub fn is_character(self) -> bool {
        self >= Self::TagCharacter && self != Self::Spacing
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comment => "comments",
            Self::LinkDefinition => "unused link definitions",
            Self::Title => "titles of links and pictures",
            Self::AltText => "texts in the place of pictures",
            Self::Attribute => "attributes",
            Self::LinkTarget => "link targets",
            Self::HiddenElement => "elements that are not shown",
            Self::UnknownElement => "unknown elements",
            Self::CodeInfo => "words behind code fences",
            Self::Footnote => "unused footnotes",
            Self::Math => "hidden parts of formulas",
            Self::TagCharacter => "tag characters",
            Self::VariationSelector => "variation selectors",
            Self::ZeroWidth => "characters without width",
            Self::Bidi => "signs of reading direction",
            Self::Filler => "fillers",
            Self::Control => "control characters",
            Self::PrivateUse => "characters of private use",
            Self::Spacing => "long gaps",
        })
    }
}

/// What one channel hid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The channel.
    pub channel: Channel,
    /// Bytes of what was hidden, as UTF-8.
    pub bytes: usize,
    /// Pieces of markup, or characters.
    pub count: usize,
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({} bytes)", self.channel, self.count, self.bytes)
    }
}

/// Adds up what is hidden.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Channel, (usize, usize)>);

impl Tally {
    /// Adds one piece; nothing when it is empty.
    pub(super) fn add(&mut self, channel: Channel, bytes: usize) {
        self.add_many(channel, bytes, 1);
    }

    /// Adds `count` pieces of together `bytes` bytes; nothing when they are empty.
    pub(super) fn add_many(&mut self, channel: Channel, bytes: usize, count: usize) {
        if bytes > 0 {
            let sum = self.0.entry(channel).or_default();
            *sum = (sum.0 + bytes, sum.1 + count);
        }
    }

    /// Returns the sums.
    pub(super) fn into_removed(self) -> Vec<Removed> {
        self.0.into_iter().map(|(channel, (bytes, count))| Removed { channel, bytes, count }).collect()
    }
}
