//! What there is, and where.

use serde_json::json;

use crate::catalogue::{CatalogueError, Installed, Store, megabytes};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{print, print_json, safe, tell};

/// Prints what can be fetched and what is here.
pub(super) fn list(store: &Store, as_json: bool) -> Result<Exit, Failure> {
    let here = store.installed()?;
    if as_json {
        let known: Vec<_> = store
            .entries()
            .iter()
            .map(|entry| json!({ "model": entry, "path": store.path_of(&entry.name), "partial_bytes": store.partial_bytes(&entry.name) }))
            .collect();
        print_json(&json!({ "folder": store.folder(), "catalogue": known, "installed": here }));
        return Ok(Exit::Done);
    }
    let mut rows = vec![["NAME", "SIZE", "MEMORY", "WINDOW", "LICENCE", "STATE"].map(str::to_owned)];
    for entry in store.entries() {
        let state = match (here.iter().find(|model| model.name == entry.name), store.partial_bytes(&entry.name)) {
            (Some(model), _) if model.has_its_size() => "here".to_owned(),
            (Some(model), _) => format!("damaged: {} of it", megabytes(model.bytes)),
            (None, 0) => "-".to_owned(),
            (None, bytes) => format!("interrupted at {}", megabytes(bytes)),
        };
        let (size, memory) = (megabytes(entry.bytes), megabytes(entry.memory_bytes));
        rows.push([entry.name.clone(), size, memory, entry.window_tokens.to_string(), entry.licence.clone(), state]);
    }
    for model in here.iter().filter(|model| model.entry.is_none()) {
        let unknown = || "?".to_owned();
        rows.push([
            model.name.clone(),
            megabytes(model.bytes),
            unknown(),
            unknown(),
            unknown(),
            "here, yours".to_owned(),
        ]);
    }
    print(&table(&rows));
    tell(&format!("Folder: {}", store.folder().display()));
    Ok(Exit::Done)
}

fn table(rows: &[[String; 6]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", safe(&cells.join("  ")).trim_end())
    };
    rows.iter().map(line).collect()
}

/// Prints where a model's file lies; without a name, that of the model that `embedded` means.
pub(super) fn path(store: &Store, name: Option<&str>, as_json: bool) -> Result<Exit, Failure> {
    let mut usable = store.usable()?.into_iter();
    let Some(Installed { name, path, entry, .. }) = usable.find(|one| name.is_none_or(|name| one.name == name)) else {
        return Err(absent(store, name)?);
    };
    match as_json {
        true => print_json(&json!({ "name": name, "path": path, "model": entry })),
        false => print(&format!("{}\n", path.display())),
    }
    Ok(Exit::Done)
}

fn absent(store: &Store, name: Option<&str>) -> Result<Failure, CatalogueError> {
    let Some(name) = name else {
        let failure = Failure::new(Exit::Usage, "no model is here");
        return Ok(failure.hint("`prentice model list` shows which are known, `prentice model fetch NAME` fetches one"));
    };
    let failure = Failure::from(store.not_there(name)?);
    Ok(match store.entry(name) {
        Ok(entry) => failure.hint(format!("`prentice model fetch {name}` fetches it ({})", megabytes(entry.bytes))),
        Err(error) => failure.hint(error.to_string()),
    })
}
