//! The widgets with a timeline: every combination of their choices, and what is told of it.

use serde_json::{Map, Value};

use crate::chromium::Chromium;

/// Every combination: a value for each name.
pub fn combinations(choices: &[(&str, &[&str])]) -> Vec<Value> {
    let mut all = vec![Map::new()];
    for (name, values) in choices {
        let longer = |chosen: Map<String, Value>| {
            values.iter().map(move |value| {
                let mut chosen = chosen.clone();
                chosen.insert((*name).to_owned(), Value::from(*value));
                chosen
            })
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all.into_iter().map(Value::Object).collect()
}

/// Chooses, and says what is then told: the summary, and the words of each row.
pub fn choose(browser: &mut Chromium, chosen: &Value) -> Vec<String> {
    let told = browser.evaluate(&format!(
        "(() => {{
            const widget = document.querySelector('[data-widget]');
            for (const [name, value] of Object.entries({chosen})) {{
                const select = widget.querySelector(`[name=${{name}}]`);
                select.value = value;
                select.dispatchEvent(new Event('change'));
                if (select.value !== value) return [`${{name}} has no ${{value}}`];
            }}
            return [...widget.querySelectorAll('.result, .told')].map((told) => told.textContent);
        }})()"
    ));
    let told = told.as_array().unwrap().iter();
    told.map(|words| words.as_str().unwrap().to_owned())
        .collect()
}

/// The value that is chosen for a name.
pub fn value<'a>(chosen: &'a Value, name: &str) -> &'a str {
    chosen[name].as_str().unwrap()
}

#[track_caller]
pub fn told(chosen: &Value, row: &str, words: &str) {
    assert!(row.contains(words), "{chosen}: not “{words}”, but “{row}”");
}
