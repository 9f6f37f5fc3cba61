//! A conversation that got nowhere begins anew.

use super::*;

const WHOLE: &str = "The sum is wanted.\n\nFILE: src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n";

static RESAMPLING: LazyLock<Profile> = LazyLock::new(|| Profile { resample: true, ..Profile::safe() });

/// What each request was: its messages, temperature and seed.
fn asked(model: &Scripted) -> Vec<(usize, Option<f32>, Option<u64>)> {
    let asked = model.asked.lock().expect("no panic");
    asked.iter().map(|request| (request.messages.len(), request.temperature, request.seed)).collect()
}

async fn expect_unusable(held: &mut Held<'_>, word: &str) {
    let answered = held.ask().await.expect("answered");
    assert!(matches!(&answered, Answered::Unusable { problems } if problems.contains(word)), "{answered:?}");
}

async fn expect_total(held: &mut Held<'_>, function: &str) {
    let answered = held.ask().await.expect("answered");
    let Answered::Changed { tree, .. } = answered else { panic!("{answered:?}") };
    let text = tree.read_text(&path()).expect("memory").expect("there");
    assert!(text.contains(&format!("return {function}(prices)")), "{text}");
}

#[tokio::test]
async fn what_is_wrong_is_told_once_and_after_the_same_answer_forgotten() {
    let wrong = GOOD.replace("max", "min");
    let script = [(wrong.as_str(), Finish::Stop), (wrong.as_str(), Finish::Stop), (GOOD, Finish::Stop)];
    let (model, meter) = (Scripted::new(&script), generous());
    let mut held = open(&model, &meter);
    for _ in 0..2 {
        expect_unusable(&mut held, "return max(prices)").await;
    }
    expect_total(&mut held, "sum").await;
    assert_eq!(asked(&model), [(2, Some(0.0), Some(1)), (4, Some(0.0), Some(1)), (2, Some(0.8), Some(2))]);
}

#[tokio::test]
async fn an_answer_that_changes_nothing_is_forgotten_at_once() {
    let same = WHOLE.replace("sum", "max");
    let (model, meter) = (Scripted::new(&[(&same, Finish::Stop), (WHOLE, Finish::Stop)]), generous());
    let mut held = open(&model, &meter);
    expect_unusable(&mut held, "change nothing").await;
    expect_total(&mut held, "sum").await;
    assert_eq!(asked(&model), [(2, Some(0.0), Some(1)), (2, Some(0.8), Some(2))]);
}

#[tokio::test]
async fn a_change_that_failed_before_is_not_judged_again_and_the_files_are_as_they_were() {
    let step = |from: &str, to: &str| GOOD.replace("sum", "NEW").replace("max", from).replace("NEW", to);
    let (other, back, last) = (step("sum", "len"), step("len", "sum"), step("max", "abs"));
    let script = [GOOD, &other, &back, &last].map(|answer| (answer, Finish::Stop));
    let (model, meter) = (Scripted::new(&script), generous());
    let mut held = open(&model, &meter);
    for function in ["sum", "len"] {
        expect_total(&mut held, function).await;
        held.report_failures("test_total: 5 != 9");
    }
    expect_unusable(&mut held, "tried before").await;
    // Its search block holds `max`, which only stands in the files as they were.
    expect_total(&mut held, "abs").await;
    assert_eq!(asked(&model).last(), Some(&(2, Some(0.8), Some(2))));
    held.report_failures("test_total: 5 != 9");
    let shown = held.conversation.tree().read_text(&path()).expect("memory").expect("there");
    assert!(shown.contains("abs"), "a repair goes on from the change: {shown}");
}

#[tokio::test]
async fn a_model_that_does_not_mend_what_it_wrote_is_asked_the_first_question_again() {
    let (model, meter) =
        (Scripted::new(&[(GOOD, Finish::Stop), (GOOD, Finish::Stop), (WHOLE, Finish::Stop)]), generous());
    let mut held = open_with(&model, &meter, &RESAMPLING);
    expect_total(&mut held, "sum").await;
    held.report_failures("test_total: 5 != 9");
    expect_unusable(&mut held, "tried before").await;
    expect_unusable(&mut held, "tried before").await;
    assert_eq!(asked(&model), [(2, Some(0.0), Some(1)), (2, Some(0.8), Some(2)), (2, Some(0.8), Some(3))]);
}

#[tokio::test]
async fn a_small_model_is_told_once_in_a_row_what_was_wrong() {
    let [wrong, other, third] = ["min", "len", "any"].map(|function| GOOD.replace("max", function));
    let script = [wrong.as_str(), &other, &third, GOOD].map(|answer| (answer, Finish::Stop));
    let (model, meter) = (Scripted::new(&script), generous());
    let mut held = open_with(&model, &meter, &RESAMPLING);
    for _ in 0..3 {
        expect_unusable(&mut held, "return max(prices)").await;
    }
    expect_total(&mut held, "sum").await;
    let anew = Some(2);
    assert_eq!(
        asked(&model),
        [(2, Some(0.0), Some(1)), (4, Some(0.0), Some(1)), (2, Some(0.8), anew), (4, Some(0.8), anew)]
    );
}

#[tokio::test]
async fn an_answer_without_end_is_neither_continued_nor_answered() {
    let with_edit = format!("{GOOD}\n{}", "Now the other file, which has the same fault.\n".repeat(20));
    let code = format!("Corrected:\n```python\n{}", "    pass\n".repeat(40));
    for endless in [with_edit, code] {
        let (model, meter) = (Scripted::new(&[(&endless, Finish::Length), (GOOD, Finish::Stop)]), generous());
        let mut held = open(&model, &meter);
        expect_unusable(&mut held, "again and again").await;
        expect_total(&mut held, "sum").await;
        assert_eq!(asked(&model), [(2, Some(0.0), Some(1)), (2, Some(0.8), Some(2))]);
    }
}

#[tokio::test]
async fn edits_in_circles_are_taken_once() {
    let file = "FILE: src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n\n";
    let endless = format!("The sum is wanted.\n\n{}{}", file.repeat(6), &file[..40]);
    let (model, meter) = (Scripted::new(&[(&endless, Finish::Length)]), generous());
    expect_total(&mut open(&model, &meter), "sum").await;
    assert_eq!(asked(&model), [(2, Some(0.0), Some(1))]);
}

#[tokio::test]
async fn words_in_circles_are_the_cause_and_the_edits_are_asked_for() {
    let cause = "The sum is wanted. ";
    let endless = format!("In the shop:\n{}", cause.repeat(20));
    let (model, meter) = (Scripted::new(&[(&endless, Finish::Length), (GOOD, Finish::Stop)]), generous());
    let mut held = open(&model, &meter);
    expect_unusable(&mut held, "holds no edit").await;
    expect_total(&mut held, "sum").await;
    assert_eq!(asked(&model), [(2, Some(0.0), Some(1)), (4, Some(0.0), Some(1))]);
    let asked = model.asked.lock().expect("no panic");
    assert_eq!(asked[1].messages[2].content, format!("In the shop:\n{cause}"));
}
