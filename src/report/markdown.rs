//! Reports as Markdown.

use super::document::{Part, document};
use super::incident::Incident;
use super::weekly::Weekly;

/// The report; `pictures` are the names of the files beside it, in the order of [`Incident::pictures`].
pub fn markdown(incident: &Incident, pictures: &[String]) -> String {
    written(document(incident), pictures)
}

/// A week.
pub fn weekly_markdown(weekly: &Weekly) -> String {
    written(weekly.document(), &[])
}

fn written(parts: Vec<Part>, pictures: &[String]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Title(text) => out.push_str(&format!("# {}\n\n", inert(&text))),
            Part::Heading(text) => out.push_str(&format!("## {}\n\n", inert(&text))),
            Part::Text(text) => out.push_str(&format!("{}\n\n", inert(&text))),
            Part::List(lines) => {
                for line in lines {
                    out.push_str(&format!("- {}\n", inert(&line)));
                }
                out.push('\n');
            }
            Part::Table(head, rows) => {
                out.push_str(&format!("| {} |\n|{}\n", row(&head), "---|".repeat(head.len())));
                for cells in rows {
                    out.push_str(&format!("| {} |\n", row(&cells)));
                }
                out.push('\n');
            }
            Part::Picture(index) => {
                if let Some(name) = pictures.get(index) {
                    let name = inert(name);
                    out.push_str(&format!("![demand, forecast and capacity]({name})\n\n"));
                }
            }
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn row(cells: &[String]) -> String {
    cells.iter().map(|c| inert(c).replace('|', "\\|")).collect::<Vec<_>>().join(" | ")
}

/// Text that neither is HTML nor a link, whatever a renderer allows.
fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '[' | ']' | '`' | '!' | '*' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
