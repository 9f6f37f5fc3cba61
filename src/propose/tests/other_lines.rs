//! One line in the place of another.

use super::*;
use crate::llm::{Alternative, Form};

static LINE_BY_LINE: LazyLock<Profile> =
    LazyLock::new(|| Profile { alternatives: true, edits: EditForm::WholeFile, resample: true, ..Profile::safe() });

fn script(alternatives: &[(usize, &str)]) -> String {
    let odds = |place: usize| 0.9 / (place + 1) as f32;
    let all = alternatives.iter().enumerate();
    let all = all.map(|(place, (line, text))| Alternative { line: *line, text: (*text).to_owned(), odds: odds(place) });
    serde_json::to_string(&all.collect::<Vec<_>>()).expect("plain data")
}

async fn others(held: &mut Held<'_>) -> Result<Vec<(usize, String)>, ProposeError> {
    let found =
        held.conversation.other_lines(&mut held.session, "src/price.py:2: wrong", &CancellationToken::new()).await?;
    Ok(found
        .into_iter()
        .map(|other| {
            let text = other.tree.read_text(&other.path).expect("memory").expect("there");
            assert_eq!(text.lines().nth(other.line - 1).map(str::trim), Some(other.after.as_str()));
            assert_eq!(FILE.lines().nth(other.line - 1).map(str::trim), Some(other.before.as_str()));
            (other.line, other.after)
        })
        .collect())
}

#[tokio::test]
async fn each_line_is_asked_for_once_behind_what_was_read_already() {
    let lines = script(&[(0, "    return sum(prices)")]);
    let (model, meter) = (Scripted::new(&[("I do not know.", Finish::Stop), (&lines, Finish::Stop)]), generous());
    let mut held = open_with(&model, &meter, &LINE_BY_LINE);
    assert!(matches!(held.ask().await, Ok(Answered::Unusable { .. })));
    let first = model.last_request();
    assert!(held.conversation.has_lines_to_ask());
    assert_eq!(others(&mut held).await.expect("asked"), [(2, "return sum(prices)".to_owned())]);
    let second = model.last_request();
    assert_eq!(second.form, Some(Form::Alternatives { lines: vec!["    return max(prices)".to_owned()] }));
    assert_eq!(second.messages[0], first.messages[0]);
    let (before, after) = (&first.messages[1].content, &second.messages[1].content);
    let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    assert!(before[..same].ends_with("\n```\n\n"), "all but the closing words is the same: {}", &before[same..]);
    assert!(after.ends_with("The wrong line:"), "{after}");
    assert!(!held.conversation.has_lines_to_ask());
    assert_eq!(others(&mut held).await.expect("nothing to ask"), []);
}

#[tokio::test]
async fn what_is_no_other_code_is_left_out() {
    let lines = script(&[
        (0, "    return  max(prices)"),
        (0, "    # return sum(prices)"),
        (0, "    return sum((prices)"),
        (0, "    def total(prices):"),
        (7, "    return 7"),
        (0, "    return sum(prices)  # \u{1b}[8m"),
        (0, "    return sum(prices)  # \u{fffd}"),
        (0, "    return sum( prices )"),
        (0, "    return sum(prices)"),
        (0, "    return min(prices)"),
    ]);
    let (model, meter) = (Scripted::new(&[(&lines, Finish::Stop)]), generous());
    let mut held = open_with(&model, &meter, &LINE_BY_LINE);
    let found = others(&mut held).await.expect("asked");
    assert_eq!(found, [(2, "return sum( prices )".to_owned()), (2, "return min(prices)".to_owned())]);
}

#[tokio::test]
async fn who_cannot_be_asked_is_not() {
    let (model, meter) = (Scripted::new(&[]), generous());
    let search_replace = Profile { edits: EditForm::SearchReplace, ..LINE_BY_LINE.clone() };
    for profile in [&*SAFE, &*TOOLS, &search_replace] {
        let mut held = open_with(&model, &meter, profile);
        assert!(!held.conversation.has_lines_to_ask());
        assert_eq!(others(&mut held).await.expect("not asked"), []);
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_an_error() {
    let (model, meter) = (Scripted::new(&[("return sum", Finish::Stop)]), generous());
    let mut held = open_with(&model, &meter, &LINE_BY_LINE);
    let error = others(&mut held).await.expect_err("no list").to_string();
    assert!(error.contains("the alternatives to lines cannot be read"), "{error}");
}
