//! What the model is told, word for word.

use super::scenarios::{applied, block};

fn told(files: &[(&str, &str)], answer: &str) -> String {
    applied(files, answer).expect_err(answer).to_string()
}

#[test]
fn the_model_is_told_where_the_text_differs() {
    let file = "fn one() {\n    first();\n    second(1);\n}\n\nfn two() {\n    first();\n}\n";
    let answer = format!(
        "FILE: x.txt\n{}{}{}FILE: src/y.txt\n{}",
        block("    first();\n    second();\n", "    second();\n"),
        block("    first();\n", "    third();\n"),
        block("fn two() {\n  first();\n", "fn two() {\n"),
        block("a\n", "b\n"),
    );
    insta::assert_snapshot!(told(&[("x.txt", file), ("lib/y.txt", "a\n")], &answer), @r"
    Nothing was changed, because of 4 problems.

    Edit 1, x.txt: the SEARCH text is not in the file.
    The nearest lines begin at line 2. They differ first in line 3, where SEARCH has:
        |     second();
    The file:
      1 | fn one() {
      2 |     first();
    > 3 |     second(1);
      4 | }
      5 | 
      6 | fn two() {

    Edit 2, x.txt: the SEARCH text stands at 2 places.
    They begin at lines 2, 7. Add lines before or after it to the SEARCH text, until only the place you mean fits.

    Edit 3, x.txt: the SEARCH text is not in the file (perhaps because edit 1 to this file failed).
    The nearest lines begin at line 6. They differ first in the white space of line 7: the file has 4 spaces before the text, SEARCH has 2 spaces before the text.
    The file:
      4 | }
      5 | 
      6 | fn two() {
    > 7 |     first();
      8 | }

    Edit 4, src/y.txt: there is no such file.
    Files with such a name: lib/y.txt, x.txt

    Mend this and send all edits again, also those without a problem.
    ");
}

#[test]
fn the_model_is_told_that_its_edit_is_there_already() {
    let answer = format!("FILE: x.txt\n{}", block("old line\n", "new line here\nand another\n"));
    insta::assert_snapshot!(told(&[("x.txt", "top\nnew line here\nand another\n")], &answer), @r"
    Nothing was changed, because of 1 problem.

    Edit 1, x.txt: the file holds the REPLACE text already, and no longer the SEARCH text.
    It stands at lines 2 to 3; leave this edit out if that is what you want.
      2 | new line here
      3 | and another

    Mend this and send all edits again, also those without a problem.
    ");
}

#[test]
fn the_model_is_told_what_an_answer_looks_like() {
    insta::assert_snapshot!(told(&[], "I would change the parser.\n```bash\nls\n```\n"), @r"
    Nothing was changed, because of 1 problem.

    The answer: it holds no edit, prose and one fenced block (bash).
    Expected is, for each change, a line FILE: path and directly after it either a block
    <<<<<<< SEARCH
    (lines copied from the file)
    =======
    (lines to put there)
    >>>>>>> REPLACE
    or the complete file between two lines of ```.

    Mend this and send all edits again, also those without a problem.
    ");
    insta::assert_snapshot!(told(&[], &block("a\n", "b\n")), @r"
    Nothing was changed, because of 1 problem.

    The answer: the block in line 1 of the answer does not say which file it is for.
    Put a line FILE: path directly before <<<<<<< SEARCH or before its fence.

    Mend this and send all edits again, also those without a problem.
    ");
    insta::assert_snapshot!(told(&[], "FILE: x.txt\n<<<<<<< SEARCH\na\n=======\nb"), @r"
    Nothing was changed, because of 1 problem.

    x.txt: the block has no closing line >>>>>>> REPLACE; the answer was perhaps cut off (it opens in line 2 of the answer).

    Mend this and send all edits again, also those without a problem.
    ");
}

#[test]
fn the_model_is_told_what_the_guard_found() {
    let answer = format!("FILE: x.py\n{}", block("    return 1\n", "    return (1\n"));
    insta::assert_snapshot!(told(&[("x.py", "def f():\n    return 1\n\n\nx = f()\n")], &answer), @r"
    Nothing was changed, because of 1 problem.

    x.py: the file would not parse any more; the first error is in line 2.
    After your edits:
      1 | def f():
    > 2 |     return (1
      3 | 
      4 | 
      5 | x = f()

    Mend this and send all edits again, also those without a problem.
    ");
    let answer = format!("FILE: x.txt\n{}", block("a\n", "b\n# ... rest of the file unchanged ...\n"));
    insta::assert_snapshot!(told(&[("x.txt", "a\n")], &answer), @r"
    Nothing was changed, because of 1 problem.

    x.txt: the comment in line 2 stands for code that was left out; write that code.
    After your edits:
      1 | b
    > 2 | # ... rest of the file unchanged ...

    Mend this and send all edits again, also those without a problem.
    ");
}

#[test]
fn the_feedback_names_every_edit_and_stays_small() {
    let file: String = (0..200).map(|n| format!("line number {n} {}\n", "x".repeat(400))).collect();
    let blocks: String = (0..60).map(|n| block(&format!("line number {n} y\nline number {n} z\n"), "new\n")).collect();
    let text = told(&[("x.txt", &file)], &format!("FILE: x.txt\n{blocks}"));
    assert!(text.len() <= 6000, "{} bytes", text.len());
    let names = |edit: usize| {
        text.to_lowercase()
            .split("edit ")
            .any(|part| part.split(|c: char| !c.is_ascii_digit()).next() == Some(&edit.to_string()))
    };
    assert_eq!((1..=60).filter(|edit| !names(*edit)).collect::<Vec<_>>(), [0; 0], "missing in\n{text}");
}
