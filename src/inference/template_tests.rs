use serde_json::json;

use super::super::testing::{CHATML, Setting, tiny};
use super::super::{Engine, quant::Format};
use super::*;

fn rendered(template: &str, messages: &serde_json::Value) -> Result<String, String> {
    let mut model = tiny("qwen2", Format::F32);
    model.set("tokenizer.chat_template", Setting::Text(template.to_owned()));
    let file = model.file();
    let head = Head::read(&file.reopen().unwrap(), file.path()).unwrap();
    let tokenizer = Tokenizer::of(&head).unwrap();
    Template::of(&head).unwrap().render(messages, &tokenizer)
}

fn check(template: &str, messages: &serde_json::Value, expected: &str) {
    assert_eq!(rendered(template, messages).as_deref(), Ok(expected), "{template}");
}

fn turns() -> serde_json::Value {
    json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
}

#[test]
fn chatml_with_and_without_a_system_message() {
    let end = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    check(CHATML, &turns(), &format!("<|im_start|>system\nBe brief.<|im_end|>\n{end}"));
    check(CHATML, &json!([{"role": "user", "content": "Hi"}]), end);
    check(CHATML, &json!([]), "<|im_start|>assistant\n");
}

#[test]
fn blocks_are_trimmed() {
    let template =
        "{% for message in messages %}\n    {% if true %}\n{{ message.content }}\n    {% endif %}\n{% endfor %}\n-";
    check(template, &turns(), "Be brief.\nHi\n-");
}

#[test]
fn methods_are_pythons() {
    let messages = json!([{"role": "user", "content": "  a</t>b c \n"}]);
    check("{{ messages[0].content.strip() }}|", &messages, "a</t>b c|");
    check("{{ messages[0].content.split('</t>')[-1] }}|", &messages, "b c \n|");
    check("{{ messages[0]['content'].lstrip().startswith('a') }}", &messages, "True");
    check("{{ messages[0].content.rstrip('\\n') }}|", &messages, "  a</t>b c |");
    check("{{ messages[0].content.endswith('\\n') and messages[0].role.upper() }}", &messages, "USER");
    check("{{ messages[0].items() | list | length }}{{ messages[0].get('tools', 'none') }}", &messages, "2none");
    check("{% for message in messages[::-1] %}{{ message.content[2:3] }}{% endfor %}", &messages, "a");
}

#[test]
fn namespaces_macros_and_undefined_names_work() {
    let template = "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}\
        {% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ ns.n }}{{ twice('a') }}{{ tools }}{{ messages[0].nothing }}\
        {% if not tools and not messages[0].tool_calls %}!{% endif %}{{ bos_token }}{{ eos_token }}{{ enable_thinking }}";
    check(template, &turns(), "2aa!<|endoftext|><|im_end|>False");
}

#[test]
fn json_is_written_as_python_writes_it() {
    let messages = json!([{"role": "a<b>&'\"é", "n": [1, 2.5, null, true], "o": {}}]);
    let expected = "[{\"role\": \"a<b>&'\\\"é\", \"n\": [1, 2.5, null, true], \"o\": {}}]";
    check("{{ messages | tojson }}", &messages, expected);
    check("{{ messages | tojson(ensure_ascii=False) }}", &messages, expected);
}

#[test]
fn nothing_is_escaped() {
    check("{{ messages[0].content }}", &json!([{"content": "<b> & \"c\" 'd'"}]), "<b> & \"c\" 'd'");
}

#[test]
fn a_template_may_refuse() {
    let template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system message, please') }}{% endif %}";
    check(template, &json!([{"role": "user", "content": "Hi"}]), "");
    let told = rendered(template, &turns()).unwrap_err();
    assert!(told.contains("no system message, please"), "{told}");
    let mut model = tiny("qwen2", Format::F32);
    model.set("tokenizer.chat_template", Setting::Text(template.to_owned()));
    let file = model.file();
    let told = Engine::load(file.path(), 64).unwrap().count(&turns()).unwrap_err();
    assert!(matches!(&told, InferenceError::Template { .. }), "{told}");
    assert!(told.to_string().contains("refuses the conversation"), "{told}");
}

#[test]
fn a_broken_template_is_told() {
    let mut model = tiny("qwen2", Format::F32);
    model.set("tokenizer.chat_template", Setting::Text("{% for %}".to_owned()));
    let file = model.file();
    let told = Engine::load(file.path(), 64).err().unwrap();
    assert!(matches!(&told, InferenceError::Broken { .. }), "{told}");
    assert!(told.to_string().contains("its chat template: "), "{told}");
}

#[test]
fn a_template_that_calls_itself_without_end_is_an_error() {
    let told = rendered("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", &turns());
    assert!(told.is_err());
}

#[test]
fn a_template_that_goes_on_and_on_is_an_error() {
    let loops = "{% for i in range(100000) %}{% for j in range(100000) %}{% set x = i %}{% endfor %}{% endfor %}";
    let told = rendered(loops, &turns()).unwrap_err();
    assert!(told.contains("fuel"), "{told}");
}
