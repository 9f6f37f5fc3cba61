//! Conversations by function calls.

use super::*;

#[tokio::test]
async fn with_tools_the_model_looks_edits_and_finishes() {
    let edit = serde_json::json!({
        "command": "str_replace", "path": "src/price.py", "old_str": "max(", "new_str": "sum(", "new_path": null,
    });
    let model = scripted(vec![
        said(
            "",
            Finish::Stop,
            &[
                ("read", serde_json::json!({ "path": "src/price.py", "from": null, "to": null })),
                ("run", serde_json::json!({ "command": "pytest -q" })),
                ("dance", serde_json::json!({})),
            ],
        ),
        said("", Finish::Stop, &[("edit", edit), ("finish", serde_json::json!({ "summary": "It adds now." }))]),
        said("done", Finish::Stop, &[("finish", serde_json::json!({ "summary": "again" }))]),
        said("I cannot.", Finish::Stop, &[]),
    ]);
    let meter = generous();
    let mut conversation = open_with(&model, &meter, &TOOLS);
    let answered = conversation.ask().await.expect("answered");
    let Answered::Changed { tree, remarks, .. } = answered else { panic!("{answered:?}") };
    assert!(tree.read_text(&path()).expect("memory").expect("text").contains("sum(prices)"));
    assert_eq!(remarks, "It adds now.");
    let results: Vec<String> = {
        let asked = model.asked.lock().expect("no panic");
        let tools = asked[1].messages.iter().filter(|message| message.role == Role::Tool);
        tools.map(|message| message.content.clone()).collect()
    };
    assert!(results[0].contains("return max(prices)"), "{results:?}");
    assert_eq!(results[1], "ran pytest -q");
    assert!(results[2].starts_with("There is no function dance"), "{results:?}");
    conversation.report_failures("5 != 9");
    let given_up = conversation.ask().await.expect("answered");
    assert!(matches!(given_up, Answered::Unusable { .. }), "{given_up:?}");
    let told = model.last_request().messages.iter().filter(|message| message.role == Role::User).count();
    assert_eq!(told, 3, "the task, what failed, and that nothing changed");
}

fn edit_call() -> (&'static str, serde_json::Value) {
    let arguments = serde_json::json!({
        "command": "str_replace", "path": "src/price.py", "old_str": "max(", "new_str": "sum(", "new_path": null,
    });
    ("edit", arguments)
}

#[tokio::test]
async fn with_tools_nothing_is_finished_while_an_edit_failed() {
    let failed = serde_json::json!({
        "command": "str_replace", "path": "src/other.py", "old_str": "a", "new_str": "b", "new_path": null,
    });
    let finish = || ("finish", serde_json::json!({ "summary": "Both files are changed." }));
    let model = scripted(vec![
        said("", Finish::Stop, &[edit_call(), ("edit", failed), finish()]),
        said("", Finish::Stop, &[finish()]),
    ]);
    let meter = generous();
    let answered = open_with(&model, &meter, &TOOLS).ask().await.expect("answered");
    assert!(matches!(answered, Answered::Changed { .. }), "{answered:?}");
    let told = model.last_request().messages;
    assert!(told.iter().any(|message| message.content.starts_with("Not finished: an edit")), "{told:?}");
}

#[tokio::test]
async fn with_tools_words_that_are_cut_off_finish_nothing() {
    let model = scripted(vec![
        said("", Finish::Stop, &[edit_call()]),
        said("Now I also have to change the second module, because it", Finish::Length, &[]),
        said("", Finish::Stop, &[("finish", serde_json::json!({ "summary": "It adds." }))]),
    ]);
    let meter = generous();
    let answered = open_with(&model, &meter, &TOOLS).ask().await.expect("answered");
    assert!(matches!(answered, Answered::Changed { .. }), "{answered:?}");
    assert_eq!(model.asked.lock().expect("no panic").len(), 3, "it was asked to go on");
}

#[tokio::test]
async fn with_tools_a_limit_does_not_throw_edits_away() {
    let script = || scripted(vec![said("", Finish::Stop, &[edit_call()]), said("", Finish::Stop, &[])]);
    let (model, unlimited) = (script(), generous());
    open_with(&model, &unlimited, &TOOLS).ask().await.expect("answered");
    let first = model.asked.lock().expect("no panic")[0].clone();
    // What the first call needs and what it uses: the second one needs more.
    let tokens = crate::llm::request_tokens(&first) + u64::from(first.max_output_tokens) + 110;
    let (model, meter) = (script(), meter(Limits { tokens, cost_usd: 100.0, wall_time: Duration::from_secs(60) }));
    let answered = open_with(&model, &meter, &TOOLS).ask().await.expect("answered");
    assert!(matches!(answered, Answered::Changed { .. }), "{answered:?}");
    assert_eq!(model.asked.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn with_tools_broken_arguments_never_go_back_and_thoughts_do() {
    let mut cut = said("I look.", Finish::Length, &[("read", serde_json::json!({}))]);
    cut.calls[0].arguments = "{\"path\": \"src/pri".to_owned();
    cut.thought = Some("where is it".to_owned());
    let model = scripted(vec![cut, said("", Finish::Stop, &[edit_call(), ("finish", serde_json::json!({}))])]);
    let meter = generous();
    let answered = open_with(&model, &meter, &TOOLS).ask().await.expect("answered");
    let Answered::Changed { remarks, .. } = answered else { panic!("{answered:?}") };
    assert_eq!(remarks, "I look.");
    let request = model.last_request();
    let (said, told) = (&request.messages[2], &request.messages[3]);
    assert_eq!(said.thought.as_deref(), Some("where is it"));
    assert!(told.content.contains("cut off"), "{}", told.content);
}

#[tokio::test]
async fn with_tools_edits_in_the_text_are_taken_too() {
    let model = scripted(vec![said(GOOD, Finish::Stop, &[])]);
    let meter = generous();
    let answered = open_with(&model, &meter, &TOOLS).ask().await.expect("answered");
    assert!(matches!(answered, Answered::Changed { .. }), "{answered:?}");
}
