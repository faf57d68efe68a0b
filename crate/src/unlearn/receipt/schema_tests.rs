//! The published schema says of receipts what the code says: nothing more, nothing less.

use serde_json::Value;

use super::Receipt;
use super::testing::one;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/receipt.schema.json")).unwrap()
}

/// The keywords that the schema uses; an unknown one fails the test, so that none is silently ignored.
fn validate(root: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("{place}: {why}, found {value}"));
    let Some(keywords) = schema.as_object() else {
        return if schema == &Value::Bool(false) { refuse("nothing may stand here") } else { Ok(()) };
    };
    for (keyword, rule) in keywords {
        match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" | "required" => {}
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                validate(root, target, value, place)?;
            }
            "const" if rule != value => return refuse(&format!("expected {rule}")),
            "enum" if !rule.as_array().unwrap().contains(value) => return refuse(&format!("expected one of {rule}")),
            "const" | "enum" => {}
            "type" => {
                let kind = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_f64() => "number",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                if kind != rule && !(kind == "integer" && rule == "number") {
                    return refuse(&format!("expected {rule}"));
                }
            }
            "minimum" if value.as_f64().is_some_and(|value| value < rule.as_f64().unwrap()) => {
                return refuse("too small");
            }
            "maximum" if value.as_f64().is_some_and(|value| value > rule.as_f64().unwrap()) => {
                return refuse("too large");
            }
            "minimum" | "maximum" | "minItems" => {}
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$");
                let text = value.as_str().unwrap_or_default();
                if crate::Digest::parse(text).is_none_or(|digest| digest.to_string() != text) {
                    return refuse("expected a digest");
                }
            }
            "anyOf" => {
                let fits = |option| validate(root, option, value, place).is_ok();
                if !rule.as_array().unwrap().iter().any(fits) {
                    return refuse("none of the kinds fits");
                }
            }
            "items" | "prefixItems" => {
                let Some(values) = value.as_array() else { continue };
                let fixed = schema["prefixItems"].as_array().map_or(0, Vec::len);
                for (at, value) in values.iter().enumerate() {
                    let rule = if at < fixed { &schema["prefixItems"][at] } else { &schema["items"] };
                    validate(root, rule, value, &format!("{place}[{at}]"))?;
                }
            }
            "properties" | "additionalProperties" => {
                let Some(members) = value.as_object() else { continue };
                for (name, value) in members {
                    let rule = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                    validate(root, rule, value, &format!("{place}.{name}"))?;
                }
                for name in schema["required"].as_array().into_iter().flatten() {
                    if !members.contains_key(name.as_str().unwrap()) {
                        return refuse(&format!("{name} is missing"));
                    }
                }
            }
            other => panic!("the schema uses `{other}`, which this test does not know"),
        }
    }
    Ok(())
}

#[test]
fn receipts_are_valid_and_every_member_is_described() {
    let receipt: Value = serde_json::from_str(&one("obc").0.to_json()).unwrap();
    validate(&schema(), &schema(), &receipt, "receipt").unwrap();
    // All members are required, so a name in the schema that receipts do not have would have failed above.
    let described = schema()["properties"].as_object().unwrap().len();
    assert_eq!(described, receipt.as_object().unwrap().len());
}

#[test]
fn what_the_schema_refuses_the_code_refuses() {
    let good: Value = serde_json::from_str(&one("obc").0.to_json()).unwrap();
    let changes: [(&str, Value); 11] = [
        ("/version", 1.into()),
        ("/seed", (-1).into()),
        ("/digest", "ABC".into()),
        ("/previous", 3.into()),
        ("/protocol/mode", "thawed".into()),
        ("/request/users/0", "user 3".into()),
        ("/data/absent/0/by_user", "yes".into()),
        ("/partition/after/per", "item".into()),
        ("/shards/0/after/stop", "tired".into()),
        ("/shards/1/before/epochs", 1.5.into()),
        ("/signature", "me".into()),
    ];
    for (place, value) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(validate(&schema(), &schema(), &bad, "receipt").is_err(), "{place}: schema");
        assert!(Receipt::parse(&bad.to_string()).is_err(), "{place}: code");
    }
    // A receipt that nobody signed may leave the signature out.
    for name in good.as_object().unwrap().keys().filter(|name| *name != "signature") {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(name);
        assert!(validate(&schema(), &schema(), &bad, "receipt").is_err(), "{name}: schema");
        assert!(Receipt::parse(&bad.to_string()).is_err(), "{name}: code");
    }
}
