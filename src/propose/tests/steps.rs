//! The steps around the edits: a plan, a review, a description, the task taken apart.

use super::*;

#[tokio::test]
async fn a_plan_with_unknown_names_is_sent_back_once() {
    let wrong = "It takes the largest.\nFILE: src/prices.py\nSYMBOL: sum_up in src/price.py\nSTEP: add\n";
    let right = "It takes the largest.\nFILE: src/price.py\nSYMBOL: total in src/price.py\nSTEP: add\n";
    let (model, meter) = (Scripted::new(&[(wrong, Finish::Stop), (right, Finish::Stop)]), generous());
    let task = parse_plain("Add the prices", Origin::CommandLine).expect("a task");
    let context = context();
    let opening = Opening { task: &task, context: &context, failures: "", plan: "", pictures: &[], revision: None };
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
