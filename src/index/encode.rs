//! How what was found is written into the fields of the file: numbers as LEB128 varints (DWARF 5, section 7.6), texts with
//! their length before them. Whatever does not follow that is no value.

use crate::repo::{CommitId, PastCommit, RepoPath};
use crate::syntax::{Definition, DefinitionKind};

/// What a text defines and uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// What it defines, in the order of the lines.
    pub definitions: Vec<Definition>,
    /// The names that it uses.
    pub references: Vec<String>,
}

/// The kinds by their number; only ever appended to, or the format's number changes.
const KINDS: [DefinitionKind; 11] = [
    DefinitionKind::Function,
    DefinitionKind::Method,
    DefinitionKind::Class,
    DefinitionKind::Interface,
    DefinitionKind::Enum,
    DefinitionKind::Implementation,
    DefinitionKind::Module,
    DefinitionKind::Type,
    DefinitionKind::Constant,
    DefinitionKind::Macro,
    DefinitionKind::Section,
];

pub(super) fn names(names: &Names) -> Vec<u8> {
    let mut out = Vec::new();
    number(&mut out, names.definitions.len());
    for definition in &names.definitions {
        number(&mut out, KINDS.iter().position(|kind| *kind == definition.kind).unwrap_or_default());
        number(&mut out, *definition.lines.start());
        number(&mut out, *definition.lines.end());
        number(&mut out, definition.name_line);
        text(&mut out, &definition.name);
    }
    number(&mut out, names.references.len());
    names.references.iter().for_each(|reference| text(&mut out, reference));
    out
}

pub(super) fn read_names(bytes: &[u8]) -> Option<Names> {
    let mut rest = Rest(bytes);
    let definition = |rest: &mut Rest<'_>| {
        let kind = *KINDS.get(rest.number()?)?;
        let (first, last, name_line) = (rest.number()?, rest.number()?, rest.number()?);
        // Lines count from 1; who reads them relies on that.
        let is_possible = 1 <= first && first <= last && 1 <= name_line;
        is_possible.then_some(Definition { kind, lines: first..=last, name_line, name: rest.text()? })
    };
    let definitions = rest.list(definition)?;
    let references = rest.list(Rest::text)?;
    rest.0.is_empty().then_some(Names { definitions, references })
}

pub(super) fn commits(commits: &[PastCommit]) -> Vec<u8> {
    let mut out = Vec::new();
    number(&mut out, commits.len());
    for commit in commits {
        text(&mut out, commit.id.as_str());
        text(&mut out, &commit.message);
        number(&mut out, commit.files.len());
        commit.files.iter().for_each(|path| text(&mut out, path.as_str()));
    }
    out
}

pub(super) fn read_commits(bytes: &[u8]) -> Option<Vec<PastCommit>> {
    let mut rest = Rest(bytes);
    let commits = rest.list(|rest| {
        let id = CommitId::try_from(rest.text()?).ok()?;
        let message = rest.text()?;
        let files = rest.list(|rest| RepoPath::of_existing(&rest.text()?).ok())?;
        Some(PastCommit { id, message, files })
    })?;
    rest.0.is_empty().then_some(commits)
}

/// Returns a checksum of fields, eight bytes a step. It finds a damaged disk, not a forger.
pub(super) fn sum(numbers: &[u64], bytes: &[u8]) -> i64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(PRIME).rotate_left(23);
    let mut sum = numbers.iter().copied().fold(bytes.len() as u64, step);
    let (words, rest) = bytes.as_chunks();
    for word in words {
        sum = step(sum, u64::from_le_bytes(*word));
    }
    rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte))).cast_signed()
}

fn number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn number(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    /// Every entry takes a byte at least, so that no number makes room for what is not there.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.number().filter(|length| *length <= self.0.len())?;
        (0..length).map(|_| one(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use proptest::prelude::*;

    use super::*;

    fn some_names() -> Names {
        let definition =
            |kind, name: &str, lines, name_line| Definition { kind, name: name.to_owned(), lines, name_line };
        Names {
            definitions: KINDS.iter().map(|kind| definition(*kind, "größe", 1..=70_000, 300)).collect(),
            references: vec![String::new(), "parse".to_owned()],
        }
    }

    #[test]
    fn lines_that_cannot_be_are_no_value() {
        for (lines, name_line) in [(0..=1, 1), (RangeInclusive::new(2, 1), 1), (1..=1, 0)] {
            let mut wrong = some_names();
            (wrong.definitions[0].lines, wrong.definitions[0].name_line) = (lines, name_line);
            assert_eq!(read_names(&names(&wrong)), None);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(read_names(&names(&some_names())), Some(some_names()));
        assert_eq!(read_names(&names(&Names::default())), Some(Names::default()));
        let commit = PastCommit {
            id: CommitId::try_from("a".repeat(40)).expect("an id"),
            message: "one\n\ntwo".to_owned(),
            files: vec![RepoPath::parse("a/b").expect("a path")],
        };
        assert_eq!(read_commits(&commits(std::slice::from_ref(&commit))), Some(vec![commit]));
        assert_eq!(read_commits(&[]), None);
    }

    proptest! {
        #[test]
        fn damage_is_no_value_or_another_one_and_never_a_panic(at in 0_usize..200, value: u8, cut in 0_usize..200) {
            let whole = names(&some_names());
            let mut damaged = whole.clone();
            damaged[at % whole.len()] = value;
            let _ = read_names(&damaged);
            damaged.truncate(cut);
            prop_assert!(cut >= whole.len() || read_names(&whole[..cut]).is_none());
            if damaged != whole {
                prop_assert_ne!(sum(&[1], &damaged), sum(&[1], &whole));
            }
        }
    }
}
