//! GitHub's own description of its API: checks every request and answer, and fills in what the model does not care about.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub(crate) struct Description {
    whole: Value,
    validators: Mutex<BTreeMap<String, Validator>>,
}

/// An operation of the description, with the values of its path's parameters.
pub(crate) struct Operation<'a> {
    pub(crate) name: String,
    pub(crate) value: &'a Value,
    shared: &'a Value,
}

/// Paths whose last parameter holds slashes; the format of the description cannot say so.
const GREEDY: [&str; 3] = ["{ref}", "{path}", "{basehead}"];

impl Description {
    pub(crate) fn load() -> Self {
        let mut whole: Value =
            serde_json::from_str(include_str!("../../github/openapi.json")).expect("the description is JSON");
        make_nullable(&mut whole);
        Self { whole, validators: Mutex::default() }
    }

    /// Finds the operation of a request.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let paths = self.whole["paths"].as_object()?;
        let mut best: Option<(usize, &String)> = None;
        for pattern in paths.keys().filter(|pattern| paths[*pattern].get(method.to_lowercase()).is_some()) {
            let fixed = pattern.split('/').filter(|part| !part.starts_with('{')).count();
            if fits(pattern, path) && best.is_none_or(|(most, _)| fixed > most) {
                best = Some((fixed, pattern));
            }
        }
        let (_, pattern) = best?;
        let value = &paths[pattern][method.to_lowercase()];
        Some(Operation { name: format!("{method} {pattern}"), value, shared: &self.whole })
    }

    /// Returns what is wrong with the body of a request.
    pub(crate) fn check_request(&self, operation: &Operation<'_>, query: &str, body: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        let allowed: Vec<&str> = operation
            .value
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|parameter| operation.resolved(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        for name in query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty()) {
            if !allowed.contains(&name) {
                wrong.push(format!("the query has no parameter {name}"));
            }
        }
        let wanted = &operation.value["requestBody"]["content"]["application/json"]["schema"];
        if wanted.is_null() {
            if !body.is_null() {
                wrong.push("a body is sent and none is described".to_owned());
            }
            return wrong;
        }
        let properties = wanted.get("properties").and_then(Value::as_object);
        if let (Some(sent), Some(known)) = (body.as_object(), properties) {
            wrong.extend(sent.keys().filter(|key| !known.contains_key(*key)).map(|key| format!("no field {key}")));
        }
        wrong.extend(self.check(&format!("{} request", operation.name), wanted, body));
        wrong
    }

    /// Returns what is wrong with an answer.
    pub(crate) fn check_answer(&self, operation: &Operation<'_>, status: u16, body: &Value) -> Vec<String> {
        let Some(schema) = operation.answer(status) else {
            return if body.is_null() || status >= 400 {
                Vec::new()
            } else {
                vec![format!("status {status} has no body in the description")]
            };
        };
        self.check(&format!("{} {status}", operation.name), schema, body)
    }

    fn check(&self, name: &str, schema: &Value, body: &Value) -> Vec<String> {
        let mut validators = self.validators.lock().expect("not poisoned");
        let validator = validators.entry(name.to_owned()).or_insert_with(|| {
            let mut document = schema.clone();
            document["components"] = self.whole["components"].clone();
            jsonschema::draft4::new(&document).expect("the description is sound")
        });
        validator.iter_errors(body).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Adds the fields that an answer must have and that the model does not care about.
    pub(crate) fn complete(&self, operation: &Operation<'_>, status: u16, body: &mut Value) {
        if let Some(schema) = operation.answer(status) {
            self.fill(schema, body, 0);
        }
    }

    fn fill(&self, schema: &Value, value: &mut Value, depth: usize) {
        let schema = resolve(&self.whole, schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.fill(part, value, depth);
        }
        let choices = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
        if let Some(fitting) = choices.and_then(|all| all.iter().find(|one| is_like(resolve(&self.whole, one), value)))
        {
            self.fill(fitting, value, depth);
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill(&schema["items"], item, depth)),
            Value::Object(fields) => {
                let Some(known) = schema["properties"].as_object() else { return };
                for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if !fields.contains_key(name) {
                        fields.insert(name.to_owned(), self.smallest(&known[name], depth + 1));
                    }
                }
                for (name, field) in fields.iter_mut() {
                    if let Some(schema) = known.get(name) {
                        self.fill(schema, field, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    /// Makes the smallest value that a schema allows.
    fn smallest(&self, schema: &Value, depth: usize) -> Value {
        let schema = resolve(&self.whole, schema);
        let choices = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
        if let Some(choices) = choices {
            let null = choices.iter().any(|one| one["type"] == "null");
            return if null { Value::Null } else { self.smallest(&choices[0], depth) };
        }
        if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        let mut made = match schema["type"].as_str() {
            Some("array") => return json!([]),
            Some("integer" | "number") => return json!(0),
            Some("boolean") => return json!(false),
            Some("string") => {
                return match schema["format"].as_str() {
                    Some("uri") => json!("https://forge.invalid/filled"),
                    Some("date-time") => json!("2026-01-01T00:00:00Z"),
                    _ => json!("filled"),
                };
            }
            _ => Value::Object(Map::new()),
        };
        assert!(depth < 12, "the description leads in a circle");
        self.fill(schema, &mut made, depth);
        made
    }
}

impl Operation<'_> {
    fn resolved<'b>(&'b self, part: &'b Value) -> &'b Value {
        resolve(self.shared, part)
    }

    fn answer(&self, status: u16) -> Option<&Value> {
        let response = self.resolved(self.value["responses"].get(status.to_string())?);
        response.get("content")?.get("application/json")?.get("schema")
    }
}

fn resolve<'a>(whole: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => whole.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere"),
        None => part,
    }
}

fn is_like(schema: &Value, value: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer" | "number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => value.is_object(),
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/').peekable(), path.split('/'));
    while let Some(part) = wanted.next() {
        let Some(found) = given.next() else { return false };
        if wanted.peek().is_none() && GREEDY.contains(&part) {
            return true;
        }
        if !part.starts_with('{') && part != found {
            return false;
        }
    }
    given.next().is_none()
}

/// Turns `nullable: true` of OpenAPI 3.0 into what JSON Schema knows.
fn make_nullable(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            fields.values_mut().for_each(make_nullable);
            if fields.remove("nullable") == Some(json!(true)) {
                let inner = Value::Object(std::mem::take(fields));
                fields.insert("anyOf".to_owned(), json!([inner, { "type": "null" }]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_nullable),
        _ => {}
    }
}
