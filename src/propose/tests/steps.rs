//! The steps around the edits: a plan, a review, a description, the task taken apart.

use super::*;

#[tokio::test]
async fn a_plan_with_unknown_names_is_sent_back_once() {
    let wrong = "It takes the largest.\nFILE: src/prices.py\nSYMBOL: sum_up in src/price.py\nSTEP: add\n";
    let right = "It takes the largest.\nFILE: src/price.py\nSYMBOL: total in src/price.py\nSTEP: add\n";
    let (model, meter) = (Scripted::new(&[(wrong, Finish::Stop), (right, Finish::Stop)]), generous());
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let context = context();
    let opening = bare(&task, &context);
    let mut session = Session::new(&model, (&meter, &PRICING), &SAFE, SAMPLING);
    let plan = session.plan(&opening, &tree(), &CancellationToken::new()).await.expect("planned");
    assert_eq!(plan.files, ["src/price.py"]);
    let request = model.last_request();
    assert!(
        request.messages[3]
            .content
            .starts_with("There is no file src/prices.py.\nThere is no sum_up in the repository.")
    );
}

#[tokio::test]
async fn a_review_a_description_and_an_extract_are_read() {
    let answers = [
        ("OK", Finish::Stop),
        ("- PROBLEM: src/price.py: an empty list\nPROBLEM: none", Finish::Stop),
        ("**TITLE:** Add the prices.\n\nIt took the largest.\nNow it adds.", Finish::Stop),
        ("GOAL: add\nKIND: Defect\nACCEPTANCE: total([1, 2]) is 3\nOPEN: currencies; assumed one", Finish::Stop),
    ];
    let (model, meter) = (Scripted::new(&answers), generous());
    let cancel = CancellationToken::new();
    let mut session = Session::new(&model, (&meter, &PRICING), &SAFE, SAMPLING);
    let task = parse_plain(&format!("Add the prices\n\n{}", "It gives the largest. ".repeat(30)), Origin::CommandLine);
    let task = task.expect("a task");
    let review = |problems: Vec<String>| problems;
    assert_eq!(review(session.review(&task, (&[], "green"), &cancel).await.expect("asked")), [""; 0]);
    assert_eq!(session.review(&task, (&[], "green"), &cancel).await.expect("asked"), ["src/price.py: an empty list"]);
    let described = session.describe(&task, (&[], "proven"), &cancel).await.expect("asked").expect("a title");
    assert_eq!(described.title, "Add the prices");
    assert_eq!(described.text, "It took the largest.\nNow it adds.");
    let extracted = session.extract(&task, &cancel).await.expect("asked").expect("long enough");
    assert_eq!((extracted.kind.as_str(), extracted.acceptance.len(), extracted.open.len()), ("defect", 1, 1));
    let short = parse_plain("Add", Origin::CommandLine).expect("a task");
    assert_eq!(session.extract(&short, &cancel).await.expect("not asked"), None);
    assert!(model.asked.lock().expect("no panic").iter().all(|request| request.temperature == Some(0.0)));
}

#[tokio::test]
async fn a_plan_goes_on_without_the_names_that_are_nowhere() {
    let wrong = "It takes the largest.\nFILE: src/prices.py\nFILE: src/price.py\nSTEP: add\n";
    let (model, meter) = (Scripted::new(&[(wrong, Finish::Stop), (wrong, Finish::Stop)]), generous());
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let context = context();
    let opening = bare(&task, &context);
    let mut session = Session::new(&model, (&meter, &PRICING), &SAFE, SAMPLING);
    let plan = session.plan(&opening, &tree(), &CancellationToken::new()).await.expect("planned");
    assert_eq!(plan.text, "It takes the largest.\nFILE: src/price.py\nSTEP: add");
}

#[tokio::test]
async fn a_review_that_is_cut_off_does_not_say_that_all_is_well() {
    let cut = || ("There is one serious problem, in the", Finish::Length);
    let (model, meter) = (Scripted::new(&[cut(), cut(), cut(), cut()]), generous());
    let mut session = Session::new(&model, (&meter, &PRICING), &SAFE, SAMPLING);
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let error = session.review(&task, (&[], "green"), &CancellationToken::new()).await.expect_err("cut");
    assert!(matches!(error, ProposeError::Unfinished), "{error}");
}

#[tokio::test]
async fn a_request_that_cannot_fit_is_not_made() {
    let (model, meter) = (Scripted::new(&[("OK", Finish::Stop)]), generous());
    let mut session = Session::new(&model, (&meter, &PRICING), &SAFE, Sampling { window_tokens: 4096, ..SAMPLING });
    let messages = vec![Message::new(Role::User, "All of them, in turn. ".repeat(4000))];
    let wanted = crate::propose::session::Wanted { messages, ..Default::default() };
    let error = session.ask(&wanted, &CancellationToken::new()).await.expect_err("too long");
    let ProposeError::Model(crate::llm::LlmError::ContextTooLong { window_tokens: Some(4096), .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!((session.asked(), model.asked.lock().expect("no panic").len()), (0, 0));
}

#[tokio::test]
async fn a_long_difference_is_shown_as_far_as_half_of_the_window_takes() {
    let (model, meter) = (Scripted::new(&[("OK", Finish::Stop)]), generous());
    let mut session = Session::new(&model, (&meter, &PRICING), &SAFE, Sampling { window_tokens: 4096, ..SAMPLING });
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let mut changed = tree();
    changed.write(path(), crate::repo::StoredFile::regular("x = 1\n".repeat(4000).as_bytes()));
    let changes = changed.changes().expect("memory");
    session.review(&task, (&changes, "green"), &CancellationToken::new()).await.expect("asked");
    let request = model.last_request();
    assert!(crate::llm::request_tokens(&request) + u64::from(request.max_output_tokens) <= 4096);
    assert!(request.messages[1].content.contains("more bytes of the difference are left out"));
}
