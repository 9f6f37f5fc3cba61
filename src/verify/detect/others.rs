//! .NET, Ruby, PHP, Elixir and Meson, each by the file that its own tools look for.

use serde_json::Value;

use super::{Check, CheckKind, Files, ReportFormat, check, with_report};

/// Where runners are told to leave their report, below the folder of the check.
const JUNIT_FILE: &str = "prentice-report.xml";
const JSON_FILE: &str = "prentice-report.json";

pub(super) fn checks(files: &Files<'_>) -> Vec<Check> {
    let mut found = dotnet(files);
    found.extend(files.folders_with(&["Gemfile", "Rakefile"]).iter().filter_map(|folder| ruby(files, folder)));
    found.extend(files.folders_with(&["composer.json"]).iter().filter_map(|folder| php(files, folder)));
    let mix =
        |folder: &String| check(CheckKind::Test, folder, &["mix", "test", "--trace"], ("mix.exs", "a Mix project"));
    found.extend(files.folders_with(&["mix.exs"]).iter().map(mix));
    found.extend(files.folders_with(&["meson.build"]).iter().flat_map(|folder| meson(files, folder)));
    found
}

/// A solution, where some project of it refers to the test platform (Microsoft, "dotnet test").
fn dotnet(files: &Files<'_>) -> Vec<Check> {
    let mut projects = files.below("").filter(|path| {
        let name = path.file_name();
        [".csproj", ".fsproj", ".vbproj", ".props"].iter().any(|end| name.ends_with(end))
    });
    let tests = |text: String| text.contains("Microsoft.NET.Test.Sdk") || text.contains("MSTest.Sdk");
    let Some(project) = projects.find(|path| files.text("", path.as_str()).is_some_and(tests)) else {
        return Vec::new();
    };
    let solution = files.below("").find(|path| {
        let at_top = path.folder().is_empty();
        at_top && [".sln", ".slnx"].iter().any(|end| path.file_name().ends_with(end))
    });
    let command = ["dotnet", "test", "--nologo", "--logger", "trx"];
    let of = |folder: &str, name: &str, why: &str| {
        let found = check(CheckKind::Test, folder, &command, (name, why));
        vec![with_report(found, ReportFormat::Trx, "**/TestResults/**/*.trx")]
    };
    match solution {
        Some(solution) => of("", solution.as_str(), &format!("a solution; {project} refers to the test platform")),
        None => of(project.folder(), project.file_name(), "refers to the test platform"),
    }
}

/// RSpec where there are specs of its, else the task of tests that the Rakefile defines.
fn ruby(files: &Files<'_>, folder: &str) -> Option<Check> {
    let has_gemfile = files.has(folder, "Gemfile");
    let bundled = |command: &[&'static str]| -> Vec<&'static str> {
        let prefix: &[&str] = if has_gemfile { &["bundle", "exec"] } else { &[] };
        [prefix, command].concat()
    };
    let names_rspec = |name: &str| files.text(folder, name).is_some_and(|text| text.contains("rspec"));
    let specs = files.below(folder).any(|path| path.file_name().ends_with("_spec.rb"));
    if specs && (files.has(folder, ".rspec") || names_rspec("Gemfile") || names_rspec("Rakefile")) {
        let (name, why) =
            if files.has(folder, ".rspec") { (".rspec", "settings of RSpec") } else { ("Gemfile", "names RSpec") };
        let command = bundled(&["rspec", "--format", "progress", "--format", "json", "--out", JSON_FILE]);
        let found = check(CheckKind::Test, folder, &command, (name, why));
        return Some(with_report(found, ReportFormat::RspecJson, JSON_FILE));
    }
    let rakefile = files.text(folder, "Rakefile")?;
    let why = ["Rake::TestTask", "Minitest::TestTask"].into_iter().find(|word| rakefile.contains(word))?;
    Some(check(CheckKind::Test, folder, &bundled(&["rake", "test"]), ("Rakefile", &format!("defines a {why}"))))
}

/// PHPUnit where it is configured, else Composer's script `test`.
fn php(files: &Files<'_>, folder: &str) -> Option<Check> {
    let text = files.text(folder, "composer.json")?;
    let manifest: Value = serde_json::from_str(&text).ok()?;
    let requires = |name: &str| !manifest["require-dev"][name].is_null() || !manifest["require"][name].is_null();
    let of_php = |program: &str, name: &str, why: &str| {
        let command = ["php", program, "--colors=never", "--log-junit", JUNIT_FILE];
        with_report(check(CheckKind::Test, folder, &command, (name, why)), ReportFormat::Junit, JUNIT_FILE)
    };
    let settings =
        ["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"].into_iter().find(|name| files.has(folder, name));
    if let (Some(name), true) = (settings, requires("pestphp/pest")) {
        return Some(of_php("vendor/bin/pest", name, "settings of Pest"));
    }
    if let Some(name) = settings {
        return Some(of_php("vendor/bin/phpunit", name, "settings of PHPUnit"));
    }
    let has_script = !manifest["scripts"]["test"].is_null();
    let command = ["composer", "run-script", "--no-interaction", "test"];
    has_script.then(|| check(CheckKind::Test, folder, &command, ("composer.json", "scripts.test")))
}

/// Three steps that depend on each other; the tests only where the project declares some.
fn meson(files: &Files<'_>, folder: &str) -> Vec<Check> {
    let mut lists = files.below(folder).filter(|path| path.file_name() == "meson.build");
    let declares = |text: String| text.lines().any(|line| line.trim_start().starts_with("test("));
    let tests = lists.any(|path| files.text("", path.as_str()).is_some_and(declares));
    let step = |kind, command: &[&str], why| check(kind, folder, command, ("meson.build", why));
    let mut found = vec![
        step(CheckKind::Build, &["meson", "setup", "build-checks"], "a Meson project"),
        step(CheckKind::Build, &["meson", "compile", "-C", "build-checks"], "a Meson project"),
    ];
    if tests {
        let command = ["meson", "test", "-C", "build-checks", "--print-errorlogs"];
        let tests = step(CheckKind::Test, &command, "declares tests");
        found.push(with_report(tests, ReportFormat::Junit, "build-checks/meson-logs/testlog.junit.xml"));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::repo::{FileTree, RepoPath, StoredFile};
    use crate::verify::detect;

    fn check(files: &[(&str, &str)], expected: &[(&str, &str)]) {
        let file = |(path, text): &(&str, &str)| {
            (RepoPath::parse(path).expect(path), StoredFile::regular(text.as_bytes().to_vec()))
        };
        let found = detect(&FileTree::from_files(files.iter().map(file)));
        let told: Vec<(String, &str)> = found.iter().map(|check| (check.label(), check.found_in.as_str())).collect();
        let told: Vec<(&str, &str)> = told.iter().map(|(label, why)| (label.as_str(), *why)).collect();
        assert_eq!(told, expected, "{files:?}");
    }

    #[test]
    fn the_commands_of_other_ecosystems_are_found() {
        let sdk = "<PackageReference Include=\"Microsoft.NET.Test.Sdk\" />";
        check(
            &[("Shop.sln", ""), ("tests/T/T.csproj", sdk)],
            &[(
                "dotnet test --nologo --logger trx",
                "Shop.sln: a solution; tests/T/T.csproj refers to the test platform",
            )],
        );
        check(&[("src/App.csproj", "<Project />"), ("App.sln", "")], &[]);
        check(
            &[("Gemfile", "gem 'rspec'"), ("spec/a_spec.rb", "")],
            &[("bundle exec rspec --format progress --format json --out prentice-report.json", "Gemfile: names RSpec")],
        );
        check(
            &[("Gemfile", ""), ("Rakefile", "Minitest::TestTask.create"), ("spec/a_spec.rb", "")],
            &[("bundle exec rake test", "Rakefile: defines a Minitest::TestTask")],
        );
        check(
            &[("composer.json", "{}"), ("phpunit.xml.dist", "")],
            &[(
                "php vendor/bin/phpunit --colors=never --log-junit prentice-report.xml",
                "phpunit.xml.dist: settings of PHPUnit",
            )],
        );
        check(
            &[("composer.json", r#"{"scripts": {"test": "x"}}"#)],
            &[("composer run-script --no-interaction test", "composer.json: scripts.test")],
        );
        check(&[("composer.json", "{}")], &[]);
        check(&[("mix.exs", "")], &[("mix test --trace", "mix.exs: a Mix project")]);
        check(
            &[("meson.build", "project('a')\ntest('a', exe)\n")],
            &[
                ("meson setup build-checks", "meson.build: a Meson project"),
                ("meson compile -C build-checks", "meson.build: a Meson project"),
                ("meson test -C build-checks --print-errorlogs", "meson.build: declares tests"),
            ],
        );
    }
}
