//! Comments that a whole file only leaves out.

use super::*;

const DOCUMENTED: &str = "def total(prices):\r\n    return max(prices)\r\n\r\n\r\n\"\"\"\r\nAdds.\r\n\"\"\"\r\n";
const ANSWER: &str =
    "The sum is wanted.\n\nFILE: ./src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n";

async fn check(task: &str, expected: (&str, usize)) {
    let tree = FileTree::from_files([(path(), StoredFile::regular(DOCUMENTED.as_bytes()))]);
    let (model, meter) = (Scripted::new(&[(ANSWER, Finish::Stop)]), generous());
    let answered = open_on((task, tree), &model, &meter, &SAFE).ask().await.expect("answered");
    let Answered::Changed { tree, put_back, .. } = answered else { panic!("{answered:?}") };
    assert_eq!(
        (tree.read_text(&path()).expect("memory").as_deref(), put_back),
        (Some(expected.0), expected.1),
        "{task}"
    );
}

#[tokio::test]
async fn they_are_put_back_with_the_line_endings_of_the_file() {
    check(TASK, (&DOCUMENTED.replace("max", "sum"), 5)).await;
}

#[tokio::test]
async fn not_where_the_task_has_to_do_with_comments() {
    let bare = "def total(prices):\r\n    return sum(prices)\r\n";
    check("Add the prices\n\nThe docstring is not needed.", (bare, 0)).await;
    check("Remove the Comment and add the prices", (bare, 0)).await;
}
