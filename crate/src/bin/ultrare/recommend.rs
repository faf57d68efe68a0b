//! `ultrare recommend`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use ultrare::serve::{Basis, List, Reason, Server};
use ultrare::{Query, Recommender};

use crate::args::Recommend;
use crate::lists::{Form, Table};
use crate::out::{self, line};

/// Reasons that are told.
const REASONS: usize = 3;

/// A list, and whose it is.
struct Answer {
    /// None for the visitor.
    user: Option<String>,
    list: List,
    /// Of every place, where asked for.
    reasons: Vec<Vec<Reason>>,
}

/// Answers for everybody who was asked about.
pub fn recommend(args: &Recommend) -> Result<(), String> {
    out::check(&[args.out.as_deref()])?;
    let json = args.out.as_deref().is_some_and(|path| path.extension().is_some_and(|end| end == "json"));
    let form = args.out.as_deref().filter(|_| !json).map(Form::of).transpose()?;
    let path = &args.experiment;
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = fs::read(path).map_err(|error| told(&error))?;
    let recommender = Recommender::restore(&bytes).map_err(|error| told(&error))?;
    let answers = answers(&recommender, args).map_err(|error| error.to_string())??;
    answers.iter().for_each(show);
    match (&args.out, form) {
        (Some(path), Some(form)) => table(&answers, form).write(path),
        (Some(path), None) => out::write_json(path, &answers.iter().map(object).collect::<Vec<_>>()),
        (None, _) => Ok(()),
    }
}

fn answers(recommender: &Recommender, args: &Recommend) -> ultrare::Result<Result<Vec<Answer>, String>> {
    let server = recommender.server()?;
    let mut query = Query::top(args.top).without(args.exclude.clone());
    query.seen = args.seen;
    if let Some(path) = &args.only {
        match ids(path) {
            Ok(ids) => query = query.among(ids),
            Err(error) => return Ok(Err(error)),
        }
    }
    let rows = recommender.experiment().rows()?;
    let users: Vec<&str> =
        if args.everybody { rows.users().iter().collect() } else { args.users.iter().map(String::as_str).collect() };
    let shown: Vec<(&str, f32)> = args.items.iter().map(|item| (item.as_str(), 1.0)).collect();
    let mut answers = Vec::new();
    if users.is_empty() {
        let list = server.recommend_for(&shown, &query)?;
        let reasons = reasons(args, &list, |item| server.explain_for(&shown, item))?;
        answers.push(Answer { user: None, list, reasons });
    }
    for (user, list) in users.iter().zip(server.recommend_all(&users, &query)?) {
        let reasons = reasons(args, &list, |item| Server::explain(&server, user, item))?;
        answers.push(Answer { user: Some((*user).to_owned()), list, reasons });
    }
    Ok(Ok(answers))
}

fn reasons(
    args: &Recommend,
    list: &List,
    why: impl Fn(&str) -> ultrare::Result<ultrare::serve::Explanation>,
) -> ultrare::Result<Vec<Vec<Reason>>> {
    if !args.explain || list.basis == Basis::Popularity {
        return Ok(Vec::new());
    }
    list.items.iter().map(|place| Ok(why(&place.item)?.reasons.into_iter().take(REASONS).collect())).collect()
}

/// Lines of a file.
fn ids(path: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn show(answer: &Answer) {
    let who = answer.user.as_deref().map_or_else(|| "a visitor".to_owned(), |user| format!("user {user}"));
    let basis = match answer.list.basis {
        Basis::Rows => "from own rows",
        Basis::Popularity => "nothing is known of them: what is popular",
    };
    say!("{}, {basis}", line(&who));
    for item in &answer.list.unknown {
        say!("  {} occurs in no row and had no say", line(item));
    }
    for (at, place) in answer.list.items.iter().enumerate() {
        let why: Vec<String> = answer
            .reasons
            .get(at)
            .into_iter()
            .flatten()
            .map(|reason| format!("{} {:+.4}", reason.item, reason.share))
            .collect();
        let why = if why.is_empty() { String::new() } else { format!("  because of {}", why.join(", ")) };
        say!("{:>4}  {:<24} {:>10.4}{}", at + 1, line(&place.item), place.score, line(&why));
    }
}

fn basis(list: &List) -> &'static str {
    match list.basis {
        Basis::Rows => "rows",
        Basis::Popularity => "popularity",
    }
}

fn object(answer: &Answer) -> Value {
    let places = answer.list.items.iter().enumerate();
    let items: Vec<Value> = places
        .map(|(at, place)| {
            let mut value = json!({ "item": place.item, "score": place.score });
            if let Some(reasons) = answer.reasons.get(at) {
                value["reasons"] = json!(reasons);
            }
            value
        })
        .collect();
    json!({ "user": answer.user, "basis": basis(&answer.list), "unknown": answer.list.unknown, "items": items })
}

fn table(answers: &[Answer], form: Form) -> Table {
    let mut table = Table::new(form, &["user", "rank", "item", "score", "basis"]);
    for answer in answers {
        match form {
            Form::Jsonl => table.object(&object(answer)),
            Form::Csv => {
                for (at, place) in answer.list.items.iter().enumerate() {
                    let user = answer.user.clone().unwrap_or_default();
                    let (rank, score) = ((at + 1).to_string(), place.score.to_string());
                    table.csv([user, rank, place.item.clone(), score, basis(&answer.list).to_owned()]);
                }
            }
        }
    }
    table
}
