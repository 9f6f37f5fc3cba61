//! Reports that runners leave as files, as their writers differ.

use super::*;

/// One line a test of a report that was left as a file.
fn file_table(format: ReportFormat, name: &str) -> String {
    let path = format!("{}/src/verify/reports/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a fixture");
    let line = |test: TestResult| {
        let why = test.message.map(|text| format!(" | {}", text.replace('\n', " / "))).unwrap_or_default();
        let why: String = why.chars().take(150).collect();
        let seconds = test.elapsed.map(|elapsed| format!("{:.3} s", elapsed.as_secs_f64())).unwrap_or_default();
        format!("{:?} {} [{}] {seconds}{why}", test.outcome, test.name, test.file.unwrap_or_default())
    };
    parse_file(format, &text).expect(name).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn junit_as_its_writers_differ() {
    insta::assert_snapshot!(file_table(ReportFormat::Junit, "junit_phpunit.xml"), @r#"
    Passed Shop\ShopTest.testAdds [/tmp/prentice-tree-x1/tree/tests/ShopTest.php] 0.021 s
    Failed Shop\ShopTest.testHalves [/tmp/prentice-tree-x1/tree/tests/ShopTest.php] 0.004 s | Shop\ShopTest::testHalves / half of three / Failed asserting that 1 is identical to 2. /  / /tmp/prentice-tree-x1/tree/tests/ShopTest.php:6
    Skipped Shop\ShopTest.testLater [/tmp/prentice-tree-x1/tree/tests/ShopTest.php] 0.001 s
    Failed Shop\ShopTest.testMissing [/tmp/prentice-tree-x1/tree/tests/ShopTest.php] 0.001 s | Shop\ShopTest::testMissing / Error: Call to undefined function Shop\total() /  / /tmp/prentice-tree-x1/tree/tests/ShopTest.php:8
    Passed Shop\ShopTest.testRows with data set "one" [/tmp/prentice-tree-x1/tree/tests/ShopTest.php] 0.001 s
    Failed Shop\ShopTest.testRows with data set "nil" [/tmp/prentice-tree-x1/tree/tests/ShopTest.php] 0.000 s | Shop\ShopTest::testRows with data set "nil" (0) / Failed asserting that 0 is greater than 0. /  / /tmp/prentice-tree-x1/tree/tests/ShopTest.php:10
    "#);
    insta::assert_snapshot!(file_table(ReportFormat::Junit, "junit_gradle.xml"), @"
    Failed shop.ShopTest.halves [] 0.012 s | java.lang.AssertionError: half of three expected:<2> but was:<1> / 	at org.junit.Assert.fail(Assert.java:89) / 	at org.junit.Assert.failNotEquals(A
    Passed shop.ShopTest.adds [] 0.000 s
    Skipped shop.ShopTest.later [] 0.000 s
    ");
    insta::assert_snapshot!(file_table(ReportFormat::Junit, "junit_meson.xml"), @"
    Passed calc.adds [] 0.024 s
    Failed calc.halves [] 0.025 s | t.c:2: 1 != 2
    Skipped calc.later [] 0.009 s
    ");
}

#[test]
fn trx_as_its_schema_says() {
    insta::assert_snapshot!(file_table(ReportFormat::Trx, "made_up.trx"), @"
    Passed Shop.Tests.CartTests.Adds [] 0.012 s
    Failed Shop.Tests.CartTests.Halves [] 62.500 s | Assert.Equal() Failure: Values differ / Expected: 2 / Actual:   1 /    at Shop.Tests.CartTests.Halves() in /src/CartTests.cs:line 9
    Skipped Shop.Tests.CartTests.Later []
    ");
}

#[test]
fn rspec_tells_files_and_reasons() {
    insta::assert_snapshot!(file_table(ReportFormat::RspecJson, "rspec.json"), @r#"
    Passed spec/shop_spec.rb Shop adds [spec/shop_spec.rb] 0.001 s
    Failed spec/shop_spec.rb Shop halves [spec/shop_spec.rb] 0.094 s | RSpec::Expectations::ExpectationNotMetError: expected: 2 /      got: 1 /  / (compared using ==) / /tmp/prentice-tree-x1/tree/spec/shop_spec.rb:3:in
    Skipped spec/shop_spec.rb Shop later [spec/shop_spec.rb] 0.000 s
    Failed spec/shop_spec.rb Shop misses [spec/shop_spec.rb] 0.000 s | NameError: undefined local variable or method `total' for #<RSpec::ExampleGroups::Shop "misses" (./spec/shop_spec.rb:5)> / /tmp/prentice-tree-x1/tr
    Passed spec/shop_spec.rb Shop inner adds [spec/shop_spec.rb] 0.000 s
    "#);
}

#[test]
fn what_is_no_report_is_not_read_as_one() {
    for text in
        ["", "<html/>", "<testsuite>", "{}", "null", "<!DOCTYPE a [<!ENTITY b \"c\">]><testsuite>&b;</testsuite>"]
    {
        for format in [ReportFormat::Junit, ReportFormat::Trx, ReportFormat::RspecJson] {
            assert_eq!(parse_file(format, text), None, "{format:?} {text}");
        }
    }
}
