//! Code in lines and in blocks.

use super::Page;

/// Open code.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) text: String,
    pub(super) language: String,
    pub(super) is_block: bool,
}

impl Page {
    /// Opens code; `is_block` code has lines of its own.
    pub(in super::super) fn open_code(&mut self, is_block: bool) {
        if self.code.is_some() {
            return;
        }
        let is_block = is_block && self.inline == 0;
        if is_block {
            self.end_block();
        }
        self.code = Some(Code { is_block, ..Code::default() });
    }

    /// Names the language of the open code block.
    pub(in super::super) fn set_language(&mut self, language: &str) {
        if let Some(code) = self.code.as_mut().filter(|code| code.is_block) {
            language.clone_into(&mut code.language);
        }
    }

    /// Tells whether code is open.
    pub(in super::super) fn in_code(&self) -> bool {
        self.code.is_some()
    }

    /// Tells whether the open code, if any, is a block.
    pub(in super::super) fn in_code_block(&self) -> bool {
        self.code.as_ref().is_some_and(|code| code.is_block)
    }

    /// Closes the open code.
    pub(in super::super) fn close_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let longest = code.text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        if !code.is_block {
            let text = code.text.replace('\n', " ");
            if !text.trim().is_empty() {
                let sign = "`".repeat(if longest == 0 { 1 } else { longest + 1 });
                let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
                self.line.push_str(&format!("{sign}{gap}{text}{gap}{sign}"));
            }
            return;
        }
        let fence = "`".repeat((longest + 1).max(3));
        self.put(&format!("{fence}{}", code.language));
        let text = code.text.strip_prefix('\n').unwrap_or(&code.text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        if !text.is_empty() {
            text.split('\n').for_each(|line| self.put(line));
        }
        self.put(&fence);
        self.blank = true;
    }
}
