//! Conversations in plain text.

use super::*;

#[tokio::test]
async fn a_good_answer_changes_the_tree_and_costs_what_the_server_says() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    let answered = conversation.ask().await.expect("answered");
    let Answered::Changed { tree, remarks, .. } = answered else { panic!("{answered:?}") };
    assert_eq!(
        tree.read_text(&path()).expect("memory").as_deref(),
        Some("def total(prices):\n    return sum(prices)\n")
    );
    assert_eq!(remarks.trim(), "The sum is wanted.");
    let spent = meter.spent();
    assert_eq!((spent.tokens(), spent.calls, spent.cost_usd), (110, 1, Some(0.11)));
}

#[tokio::test]
async fn the_first_request_shows_task_failure_and_code() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), generous());
    open(&model, &meter).ask().await.expect("answered");
    let request = model.last_request();
    assert_eq!(request.messages.len(), 2);
    insta::assert_snapshot!(request.messages[1].content, @"
    ## Task
    <<TASK 00af04a030
    Add the prices

    It gives the largest one.
    00af04a030 TASK>>

    ## Goal
    The checks of the repository pass after your edits, and what the task asks for is done.
    This fails before your edits:
    <<OUTPUT 5df8ea307e
    test_total: 5 != 9
    5df8ea307e OUTPUT>>

    ## Context
    src/price.py (whole file)
    ```
    def total(prices):
        return max(prices)
    ```

    Write all the edits now, in full.
    ");
}

#[tokio::test]
async fn a_model_that_can_be_kept_to_a_grammar_is() {
    let form = async |profile: &Profile, threads: usize| {
        let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), generous());
        let (task, context) = (parse_plain("Add the prices", Origin::CommandLine).expect("a task"), context());
        let revision = Revision { request: "mend it".to_owned(), difference: String::new(), threads };
        let opening = Opening { revision: (threads > 0).then_some(&revision), ..bare(&task, &context) };
        let mut session = Session::new(&model, (&meter, &PRICING), profile, SAMPLING);
        let conversation = Conversation::open(&mut session, &opening, tree()).expect("opened");
        Held { session, conversation }.ask().await.expect("answered");
        match model.last_request().form {
            Some(crate::llm::Form::Grammar { lark, .. }) => Some(lark),
            _ => None,
        }
    };
    let kept = Profile { grammar: true, ..Profile::safe() };
    let lark = form(&kept, 0).await.expect("a grammar");
    assert!(lark.contains("PLACE0: \"src/price.py\"") && lark.contains("return max(prices)"), "{lark}");
    let whole = form(&Profile { edits: EditForm::WholeFile, ..kept.clone() }, 0).await.expect("a grammar");
    assert!(whole.contains("(nameless | edit") && !whole.contains("PLACE0"), "{whole}");
    assert_eq!(form(&SAFE, 0).await, None);
    assert_eq!(form(&kept, 1).await, None, "a reviewer may be answered in words");
}

#[tokio::test]
async fn behind_words_alone_a_model_with_a_grammar_goes_on_with_edits() {
    let kept = Profile { grammar: true, ..Profile::safe() };
    let script = [("The sum is wanted.", Finish::Stop), ("Nothing.", Finish::Stop), (GOOD, Finish::Stop)];
    let (model, meter) = (Scripted::new(&script), generous());
    let mut held = open_with(&model, &meter, &kept);
    for _ in 0..3 {
        held.ask().await.expect("answered");
    }
    let asked = model.asked.lock().expect("no panic");
    let may_speak = asked.iter().map(|request| match &request.form {
        Some(crate::llm::Form::Grammar { lark, edits }) => {
            let may_speak = lark.starts_with("start: WORDS");
            assert_eq!(edits.as_ref().map(|edits| edits.starts_with("start: (edit")), may_speak.then_some(true));
            may_speak
        }
        form => panic!("{form:?}"),
    });
    assert_eq!(may_speak.collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test]
async fn an_unusable_answer_becomes_feedback_and_changes_nothing() {
    let wrong = GOOD.replace("max", "min");
    let (model, meter) = (Scripted::new(&[(&wrong, Finish::Stop), (GOOD, Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    let first = conversation.ask().await.expect("answered");
    let Answered::Unusable { problems } = first else { panic!("{first:?}") };
    assert!(problems.contains("return max(prices)"), "the real line is shown: {problems}");
    let second = conversation.ask().await.expect("answered");
    assert!(matches!(second, Answered::Changed { .. }));
    let request = model.last_request();
    assert_eq!(request.messages.len(), 4);
    assert_eq!(request.messages[2].content, wrong);
    assert!(request.messages[3].content.contains(&problems));
}

#[tokio::test]
async fn what_excerpts_do_not_show_is_told_by_its_lines_in_a_fence() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), generous());
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let mut context = context();
    context.outline = vec![Signature {
        path: RepoPath::parse("src/tax.py").expect("a path"),
        lines: 7..=8,
        text: "@cached\ndef tax(price):".to_owned(),
        score: 1.0,
        tokens: 9,
    }];
    let profile = Profile::safe();
    let mut session = Session::new(&model, (&meter, &PRICING), &profile, SAMPLING);
    let conversation = Conversation::open(&mut session, &bare(&task, &context), tree()).expect("opened");
    Held { session, conversation }.ask().await.expect("answered");
    let request = model.last_request();
    let told = request.messages.iter().map(|message| message.content.as_str()).collect::<String>();
    let (_, fenced) = told.split_once("<<OUTLINE ").expect("a fence");
    assert!(fenced.contains("\nsrc/tax.py\n7: @cached\n8: def tax(price):\n"), "{told}");
}

#[tokio::test]
async fn a_file_without_its_name_is_the_one_that_was_asked_for_when_it_looks_like_it() {
    let profile = Profile { edits: EditForm::WholeFile, ..Profile::safe() };
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let mut context = context();
    let other = RepoPath::parse("src/tax.py").expect("a path");
    context.excerpts.push(Excerpt { path: other, ..context.excerpts[0].clone() });
    let opening = bare(&task, &context);
    let check = async |answer: &str, expected: Option<&str>| {
        let (model, meter) = (Scripted::new(&[(answer, Finish::Stop)]), generous());
        let mut session = Session::new(&model, (&meter, &PRICING), &profile, SAMPLING);
        let conversation = Conversation::open(&mut session, &opening, tree()).expect("opened");
        let answered = Held { session, conversation }.ask().await.expect("answered");
        let changed = match answered {
            Answered::Changed { tree, .. } => tree.read_text(&path()).expect("memory"),
            _ => None,
        };
        assert_eq!(changed.as_deref(), expected, "{answer}");
    };
    let fixed = "def total(prices):\n    return sum(prices)\n";
    check(&format!("The sum is wanted:\n\n```python\n{fixed}```\n"), Some(fixed)).await;
    check(&format!("```\nFILE: src/price.py\n{fixed}```\n"), Some(fixed)).await;
    let block = &GOOD[GOOD.find("<<<<<<<").expect("a block")..].trim_end_matches("```\n");
    check(&format!("The sum is wanted:\n\n{block}"), Some(fixed)).await;
    check("```python\ndef tax(price):\n    return price / 5\n```\n", None).await;
    check(&format!("```python\n{fixed}```\nand\n```python\n{fixed}```\n"), None).await;
}

#[tokio::test]
async fn a_cut_answer_is_never_taken_as_whole() {
    let (model, meter) =
        (Scripted::new(&[(GOOD, Finish::Length), ("x", Finish::Length), ("y", Finish::Length)]), generous());
    let answered = open(&model, &meter).ask().await.expect("answered");
    assert!(matches!(answered, Answered::Unusable { problems } if problems.contains("cut off")));
}

#[tokio::test]
async fn failures_come_with_the_files_as_they_are_now() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop), ("no edits", Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    conversation.ask().await.expect("answered");
    conversation.report_failures("test_total: 5 != 9");
    conversation.ask().await.expect("answered");
    let request = model.last_request();
    assert_eq!(request.messages.len(), 4);
    let told = &request.messages[3].content;
    assert!(told.contains("return sum(prices)") && told.contains("test_total: 5 != 9"), "{told}");
}

#[tokio::test]
async fn every_limit_is_checked_before_the_call() {
    let limits = |tokens, cost_usd, seconds| Limits { tokens, cost_usd, wall_time: Duration::from_secs(seconds) };
    for (limits, word) in [
        (limits(150, 100.0, 60), "tokens"),
        (limits(100_000, 0.01, 60), "USD"),
        (limits(100_000, 100.0, 0), "are over"),
    ] {
        let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), meter(limits));
        let error = open(&model, &meter).ask().await.expect_err("refused");
        assert!(matches!(error, ProposeError::Limit(_)) && error.to_string().contains(word), "{error}");
        assert!(model.asked.lock().expect("no panic").is_empty(), "the model was not asked");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_is_gone_on_with_and_its_parts_are_put_together() {
    let (first, second) = GOOD.split_at(GOOD.find("sum(").expect("there") + 2);
    let (model, meter) = (Scripted::new(&[(first, Finish::Length), (second, Finish::Stop)]), generous());
    let answered = open(&model, &meter).ask().await.expect("answered");
    assert!(matches!(answered, Answered::Changed { .. }), "{answered:?}");
    let request = model.last_request();
    assert_eq!(request.messages[2].content, first);
    assert!(request.messages[3].content.contains("Go on"));
}

#[tokio::test]
async fn a_repair_shows_what_was_tried_and_the_code_that_the_failure_names() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop), ("no edits", Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    conversation.ask().await.expect("answered");
    conversation.report_failures("tests/t.py:3: 5 != 9");
    conversation.ask().await.expect("answered");
    insta::assert_snapshot!(model.last_request().messages[3].content, @"
    ## Task
    Your edits were applied, and the checks still fail.

    ## Goal
    Find out why, and write edits on top of the files as they are now.

    ## Context
    <<OUTPUT 09f264b66a
    tests/t.py:3: 5 != 9
    09f264b66a OUTPUT>>

    src/price.py (whole file, as it is now)
    ```
    def total(prices):
        return sum(prices)
    ```

    Write all the edits now, in full.
    ");
}

#[tokio::test]
async fn after_a_repair_a_correction_still_shows_the_files_as_they_are() {
    let wrong = GOOD.replace("max", "min");
    let script = [(GOOD, Finish::Stop), (wrong.as_str(), Finish::Stop), ("", Finish::Stop)];
    let (model, meter) = (Scripted::new(&script), generous());
    let mut conversation = open(&model, &meter);
    conversation.ask().await.expect("answered");
    conversation.report_failures("test_total: 5 != 9");
    for _ in 0..2 {
        assert!(matches!(conversation.ask().await.expect("answered"), Answered::Unusable { .. }));
    }
    let messages = model.last_request().messages;
    assert_eq!(messages.len(), 6);
    assert!(messages[3].content.contains("test_total: 5 != 9") && messages[5].content.contains("could not be applied"));
}

#[tokio::test]
async fn the_number_of_calls_is_a_limit_and_what_there_is_then_is_judged() {
    let edit =
        serde_json::json!({ "command": "str_replace", "path": "src/price.py", "old_str": "max(", "new_str": "sum(" });
    let read = || said("", Finish::Stop, &[("outline", serde_json::json!({ "path": "" }))]);
    let mut replies = vec![said("", Finish::Stop, &[("edit", edit)])];
    replies.extend((0..10).map(|_| read()));
    let (model, meter) = (scripted(replies), generous());
    let mut conversation = open_with(&model, &meter, &TOOLS);
    assert!(matches!(conversation.ask().await.expect("answered"), Answered::Changed { .. }));
    assert_eq!(conversation.session.asked(), SAMPLING.rounds);
    let error = conversation.ask().await.expect_err("no calls are left");
    assert!(matches!(error, ProposeError::Limit(LimitReached::Rounds { limit: 8 })), "{error}");
}
