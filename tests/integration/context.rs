//! `prentice context`: what is found, what is told of it, and trees that mean no good.

use std::os::unix::fs::symlink;

use crate::common::World;

#[test]
fn context_shows_the_place_and_stays_in_its_budget() {
    let world = World::new();
    let ran = world.run(&["context", "the total of the prices is the largest price", "--json", "--tokens", "200"]);
    let found = ran.ends_with(0).json();
    assert_eq!(found["excerpts"][0]["path"], "src/price.py");
    assert!(found["tokens"].as_u64().expect("a number") <= 200, "{found}");
    let table = world.run(&["context", "--file", "task.yml"]);
    assert!(table.ends_with(0).out.contains("src/price.py:1-6"), "{table:?}");
}

#[test]
fn context_tells_what_speaks_for_each_file_and_looks_at_commits_too() {
    let world = World::new();
    let text = "the total of the prices is the largest price";
    let found = world.run(&["context", text, "--json"]);
    let found = found.ends_with(0).json();
    let best = &found["ranked"][0];
    assert_eq!((&best["path"], &best["hinted"]), (&"src/price.py".into(), &false.into()));
    assert!(best["signals"]["title"]["points"].as_f64().expect("a number") > 0.0, "{best}");
    let excerpt = &found["excerpts"][0];
    assert_eq!((&excerpt["start"], &excerpt["end"]), (&1.into(), &6.into()));
    assert!(found["timings_ms"]["search"].is_u64(), "{found}");

    let explained = world.run(&["context", text, "--explain", "./src/price.py"]);
    let told = &explained.ends_with(0).out;
    assert!(told.starts_with("./src/price.py: rank 1 of ") && told.contains("Shown: lines 1-6"), "{told}");
    let unknown = world.run(&["context", text, "--explain", "src/no.py"]);
    assert!(unknown.ends_with(2).err.contains("there is no file src/no.py"), "{unknown:?}");
    let silent = world.run(&["context", "zebra", "--explain", "src/price.py"]);
    assert!(silent.ends_with(0).out.contains("nothing in the task points at it"), "{silent:?}");
    world.write("poetry.lock", "zebra\n");
    let lock = world.run(&["context", "zebra", "--explain", "poetry.lock"]);
    assert!(lock.ends_with(0).out.contains("it is never shown: it is a lock file"), "{lock:?}");
    let empty = tempfile::tempdir().expect("a folder");
    let nothing = world.run(&["context", "zebra", "--repo", empty.path().to_str().expect("UTF-8")]);
    assert!(nothing.ends_with(0).out.contains("no file here"), "{nothing:?}");

    world.write("src/zebra.py", "def zebra():\n    pass\n");
    world.commit("a zebra");
    let paths = |arguments: &[&str]| {
        let found = world.run(&[&["context", "zebra", "--json"], arguments].concat());
        let ranked = found.ends_with(0).json()["ranked"].as_array().expect("a list").clone();
        ranked.into_iter().map(|file| file["path"].as_str().expect("a path").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths(&[]), ["src/zebra.py"]);
    assert_eq!(paths(&["--base", "HEAD~1"]), Vec::<String>::new());
}

#[test]
fn what_an_excerpt_does_not_show_is_outlined() {
    let world = World::new();
    let body = "    zebras = [zebra for zebra in zebras if zebra.stripes]\n".repeat(12);
    let functions: String = (0..20).map(|number| format!("def zebra_{number}(zebras):\n{body}\n\n")).collect();
    world.write("src/zebra.py", &functions);
    let asked =
        |arguments: &[&str]| world.run(&[&["context", "a zebra is lost", "--tokens", "900"], arguments].concat());
    let found = asked(&["--json"]).ends_with(0).json();
    let excerpts = found["excerpts"].as_array().expect("a list");
    let (outline, shown): (Vec<_>, Vec<_>) = excerpts.iter().partition(|excerpt| excerpt["outline"] == true);
    let line = |excerpt: &serde_json::Value, end: &str| excerpt[end].as_u64().expect("a line");
    assert!(outline.len() > 2 && shown.iter().any(|excerpt| excerpt["path"] == "src/zebra.py"), "{found}");
    for signature in &outline {
        assert!(signature["text"].as_str().is_some_and(|text| text.starts_with("def zebra_")), "{signature}");
        let at = line(signature, "start");
        assert_eq!((at, &signature["path"]), (line(signature, "end"), &"src/zebra.py".into()));
        assert!(!shown.iter().any(|excerpt| line(excerpt, "start") <= at && at <= line(excerpt, "end")), "{found}");
    }
    let told = format!("{} definitions", outline.len());
    let table = asked(&[]).ends_with(0).out.clone();
    assert!(table.contains(&format!("outline: src/zebra.py: {told} more")), "{table}");
    let explained = asked(&["--explain", "src/zebra.py"]).ends_with(0).out.clone();
    assert!(explained.contains(&format!("In the outline: {told}")), "{explained}");
}

#[test]
fn what_is_not_shown_is_explained_and_counted() {
    let world = World::new();
    let (dots, key) = ("0".repeat(3), format!("zebra = \"ghp_{}\"\n", "aB3dE6gH9j".repeat(4).get(..36).expect("long")));
    world.write("secret.py", &key);
    world.write("aux.c", "int zebra;\n");
    world.write(&format!("a\n{dots}.py"), "zebra = 1\n");
    std::fs::write(world.repo().join("latin.py"), b"# zebra caf\xe9\n").expect("written");
    symlink("/etc/passwd", world.repo().join("out.py")).expect("a link");
    for number in 0..120 {
        world.write(&format!("locks/{number}/poetry.lock"), "zebra\n");
    }
    let explained = |path: &str| world.run(&["context", "zebra", "--explain", path]).ends_with(0).out.clone();
    for (path, reason) in [
        ("secret.py", "it holds what looks like a secret"),
        ("latin.py", "it is not UTF-8"),
        ("out.py", "it is a link"),
        ("aux.c", "Shown: lines 1-1"),
    ] {
        assert!(explained(path).contains(reason), "{path}: {}", explained(path));
    }
    let table = world.run(&["context", "zebra"]).ends_with(0).out.clone();
    assert!(table.contains("a\u{FFFD}000.py:1-1"), "{table}");
    let found = world.run(&["context", "zebra", "--json"]).ends_with(0).json();
    assert_eq!(found["withheld"].as_array().map(Vec::len), Some(100), "{found}");
    // The lock files, the secret, and what is not UTF-8.
    assert_eq!(found["withheld_files"], 122, "{found}");
    assert!(table.contains("  and 22 more\n"), "{table}");
}

#[test]
fn a_folder_of_a_checkout_stands_for_all_of_it_unless_nothing_in_it_is_tracked() {
    let world = World::new();
    world.write("AGENTS.md", "Prices are sums.\n");
    world.commit("instructions");
    let text = "the total of the prices is the largest price";
    let of = |folder: &str| world.run(&["context", text, "--json", "--repo", folder]).ends_with(0).json();
    let (inside, whole) = (of("src"), of("."));
    assert_eq!((&inside["excerpts"], &inside["instructions"]), (&whole["excerpts"], &whole["instructions"]));
    assert_eq!(inside["instructions"][0]["path"], "AGENTS.md");
    let near = world.run(&["context", text, "--repo", "src", "--explain", "price.py"]);
    assert!(near.ends_with(2).err.contains("no file price.py") && near.err.contains("src/price.py is one"), "{near:?}");
    world.write("other/price.py", "def total(prices):\n    return 0\n");
    assert_eq!(of("other")["excerpts"][0]["path"], "price.py", "it lies there by chance");
}

#[test]
fn an_issue_that_only_looks_like_yaml_is_read_as_text() {
    let world = World::new();
    world.write("issue.txt", "---\nname: price\n---\nThe total price is wrong: [\n");
    let ran = world.run(&["context", "--file", "issue.txt", "--json"]);
    assert_eq!(ran.ends_with(0).json()["ranked"][0]["path"], "src/price.py");
    world.write("task.yaml", "title: [\n");
    world.run(&["context", "--file", "task.yaml"]).ends_with(2);
}

#[test]
fn hostile_trees_are_read_without_harm_and_what_is_left_out_is_told() {
    let world =
        World::with(&[("src/zebra.py", "def zebra():\n    return 1\n"), ("SRC/zebra.py", "def zebra():\n    pass\n")]);
    let repo = world.repo();
    let huge = std::fs::File::create(repo.join("huge.py")).expect("a file");
    huge.set_len(2 << 30).expect("a sparse file");
    let utf16: Vec<u8> = "zebra = 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(repo.join("utf16.py"), [&[0xff, 0xfe], utf16.as_slice()].concat()).expect("written");
    std::fs::write(repo.join("latin.py"), b"# zebra caf\xe9\n").expect("written");
    std::fs::write(repo.join("crlf.py"), "def zebra_two():\r\n    pass\r\n").expect("written");
    symlink(".", repo.join("loop")).expect("a link");
    symlink("/etc/passwd", repo.join("out.py")).expect("a link");
    symlink("nowhere", repo.join("dangling.py")).expect("a link");
    let deep = (0..200).fold(repo.join("deep"), |folder, _| folder.join("d"));
    std::fs::create_dir_all(&deep).expect("folders");
    std::fs::write(deep.join("zebra.py"), "zebra = 1\n").expect("written");
    std::fs::write(repo.join("new\nline.py"), "zebra = 1\n").expect("written");

    let found = world.run(&["context", "zebra stripes", "--json"]);
    let found = found.ends_with(0).json();
    let paths = |key: &str| -> Vec<String> {
        let files = found[key].as_array().expect("a list");
        files.iter().map(|file| file["path"].as_str().expect("a path").to_owned()).collect()
    };
    let ranked = paths("ranked");
    assert_eq!(ranked[..2], ["SRC/zebra.py", "src/zebra.py"].map(str::to_owned), "{ranked:?}");
    assert!(ranked.iter().any(|path| path == "crlf.py"), "{ranked:?}");
    assert!(ranked.iter().any(|path| path.starts_with("deep/d/d")), "{ranked:?}");
    let told = found["withheld"].to_string();
    for (path, reason) in [("huge.py", "larger than"), ("utf16.py", "binary"), ("latin.py", "not UTF-8")] {
        assert!(paths("withheld").iter().any(|withheld| withheld == path) && told.contains(reason), "{path}: {told}");
    }
    let everything = found.to_string();
    assert!(!everything.contains("root:") && !everything.contains("loop/"), "{everything}");
}
