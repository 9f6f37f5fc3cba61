//! Maven and Gradle projects, by their wrapper where there is one.

use super::{Check, CheckKind, Files, ReportFormat, check, with_report};

/// `-fae` goes on with the other modules; the two properties print one line a test (Surefire, `reportFormat`).
const MAVEN_OPTIONS: [&str; 6] =
    ["-o", "-B", "-fae", "-Dsurefire.reportFormat=plain", "-Dsurefire.useFile=false", "test"];

pub(super) fn maven(files: &Files<'_>) -> Vec<Check> {
    let project = |folder: String| {
        let (program, reason) = match files.has(&folder, "mvnw") {
            true => ("./mvnw", "a Maven project with its wrapper"),
            false => ("mvn", "a Maven project"),
        };
        let command: Vec<&str> = std::iter::once(program).chain(MAVEN_OPTIONS).collect();
        let found = check(CheckKind::Test, &folder, &command, ("pom.xml", reason));
        with_report(found, ReportFormat::Junit, "**/target/surefire-reports/TEST-*.xml")
    };
    files.folders_with(&["pom.xml"]).into_iter().map(project).collect()
}

pub(super) fn gradle(files: &Files<'_>) -> Vec<Check> {
    const NAMES: [&str; 4] = ["settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"];
    let project = |folder: String| {
        let name = NAMES.into_iter().find(|name| files.has(&folder, name)).unwrap_or(NAMES[0]);
        let (program, reason) = match files.has(&folder, "gradlew") {
            true => ("./gradlew", "a Gradle project with its wrapper"),
            false => ("gradle", "a Gradle project"),
        };
        let command = [program, "--offline", "--no-daemon", "--console=plain", "--continue", "test"];
        let found = check(CheckKind::Test, &folder, &command, (name, reason));
        with_report(found, ReportFormat::Junit, "**/build/test-results/**/*.xml")
    };
    files.folders_with(&NAMES).into_iter().map(project).collect()
}
