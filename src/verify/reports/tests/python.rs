//! pytest and unittest.

use super::*;

#[test]
fn pytest_reads_brackets_fixtures_and_marks() {
    insta::assert_snapshot!(read("pytest_q_mixed"), @r#"
    Pytest
    Skipped tests/test_shop.py (skipped: no cart yet)
    Skipped tests/test_shop.py::TestCart::test_known
    Passed tests/test_shop.py::TestCart::test_unexpected
    Failed tests/test_shop.py::test_basket |     @pytest.fixture /     def basket(): / >       raise RuntimeError("no basket") / E       RuntimeError: no basket /  / tests/test_shop.py:30: Run
    Failed tests/test_shop.py::test_each[one item [1]] | items = [1] /  /     @pytest.mark.parametrize("items", [[1], [0, 2]], ids=["one item [1]", "two items - second"]) /     def test_each(items): / >  
    Passed tests/test_shop.py::test_each[two items - second]
    Passed tests/test_shop.py::test_empty
    Failed tests/test_shop.py::test_total |     def test_total(): /         print("counting") / >       assert total([1, 2]) == 3, "all items count" / E       AssertionError: all items count
    "#);
    insta::assert_snapshot!(read("pytest_green"), @"
    Pytest
    Passed tests/test_shop.py::test_each[one item [1]]
    Passed tests/test_shop.py::test_each[two items - second]
    Passed tests/test_shop.py::test_empty
    Passed tests/test_shop.py::test_total
    ");
}

#[test]
fn pytest_that_cannot_collect_fails_by_the_file() {
    insta::assert_snapshot!(read("pytest_collection_error"), @"
    Pytest
    Failed tests/test_broken.py | ImportError while importing test module './tests/test_broken.py'. / Hint: make sure your test modules/packages have valid Python names. / Traceback
    ");
}

#[test]
fn pytest_without_tests_and_without_names() {
    insta::assert_snapshot!(read("pytest_none"), @"Pytest");
    // Only failures are named: half a list is no list.
    insta::assert_snapshot!(read("pytest_plain"), @"ExitCode");
}

#[test]
fn pytest_parameters_may_look_like_messages() {
    let text = "=== short test summary info ===\nFAILED t.py::test_a[x - y] - assert 1 == 2\nFAILED t.py::test_a[a[0] - b] - z]\nPASSED t.py::test_a[b - c]\nFAILED t.py::test_b - got [x] - not [y]\n3 failed, 1 passed in TIME\n";
    insta::assert_snapshot!(table(text), @"
    Pytest
    Failed t.py::test_a[a[0] - b] | z]
    Passed t.py::test_a[b - c]
    Failed t.py::test_a[x - y] | assert 1 == 2
    Failed t.py::test_b | got [x] - not [y]
    ");
}

#[test]
fn unittest_reads_documentation_subtests_and_fixtures() {
    insta::assert_snapshot!(read("unittest_mixed"), @r#"
    Unittest
    Failed test_shop.NeedsSetup.setUpClass | Traceback (most recent call last): /   File "./test_shop.py", line 41, in setUpClass /     raise RuntimeError("no setup") / RuntimeError: no setup
    Passed test_shop.ShopTest.test_adds
    Failed test_shop.ShopTest.test_errs | Traceback (most recent call last): /   File "./test_shop.py", line 16, in test_errs /     raise KeyError("x") / KeyError: 'x'
    Skipped test_shop.ShopTest.test_expected
    Failed test_shop.ShopTest.test_fails | Traceback (most recent call last): /   File "./test_shop.py", line 12, in test_fails /     self.assertEqual(1 + 1, 3, "sums") / AssertionError: 2 !
    Skipped test_shop.ShopTest.test_later
    Passed test_shop.ShopTest.test_passes
    Failed test_shop.ShopTest.test_sub | (i=1) / Traceback (most recent call last): /   File "./test_shop.py", line 33, in test_sub /     self.assertNotEqual(i % 2, 1) / AssertionError: 1 
    Failed test_shop.ShopTest.test_unexpected
    "#);
    insta::assert_snapshot!(read("unittest_import_error"), @r#"
    Unittest
    Failed test_shop.NeedsSetup.setUpClass | Traceback (most recent call last): /   File "./test_shop.py", line 41, in setUpClass /     raise RuntimeError("no setup") / RuntimeError: no setup
    Passed test_shop.ShopTest.test_adds
    Failed test_shop.ShopTest.test_errs | Traceback (most recent call last): /   File "./test_shop.py", line 16, in test_errs /     raise KeyError("x") / KeyError: 'x'
    Skipped test_shop.ShopTest.test_expected
    Failed test_shop.ShopTest.test_fails | Traceback (most recent call last): /   File "./test_shop.py", line 12, in test_fails /     self.assertEqual(1 + 1, 3, "sums") / AssertionError: 2 !
    Skipped test_shop.ShopTest.test_later
    Passed test_shop.ShopTest.test_passes
    Failed test_shop.ShopTest.test_sub | (i=1) / Traceback (most recent call last): /   File "./test_shop.py", line 33, in test_sub /     self.assertNotEqual(i % 2, 1) / AssertionError: 1 
    Failed test_shop.ShopTest.test_unexpected
    Failed unittest.loader._FailedTest.test_import | ImportError: Failed to import test module: test_import / Traceback (most recent call last): /   File "/usr/lib/python3.11/unittest/loader.py", line
    "#);
    insta::assert_snapshot!(read("unittest_none"), @"Unittest");
}
