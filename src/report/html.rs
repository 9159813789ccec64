//! Reports as one HTML page with its pictures in it: no script, nothing loaded from elsewhere.

use super::document::{Part, document};
use super::incident::Incident;
use super::svg::escaped;
use super::weekly::Weekly;

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse;font-size:13px}td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left;\
vertical-align:top}h2{margin-top:2em;border-bottom:1px solid #ccc}svg{max-width:100%;height:auto}";

/// The report.
pub fn html(incident: &Incident) -> String {
    page("Incident report", document(incident), &incident.pictures())
}

/// A week.
pub fn weekly_html(weekly: &Weekly) -> String {
    page("Weekly report", weekly.document(), &[])
}

fn page(title: &str, parts: Vec<Part>, pictures: &[String]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>{STYLE}</style>\
         </head><body>\n"
    );
    for part in parts {
        match part {
            Part::Title(text) => out.push_str(&format!("<h1>{}</h1>\n", escaped(&text))),
            Part::Heading(text) => out.push_str(&format!("<h2>{}</h2>\n", escaped(&text))),
            Part::Text(text) => out.push_str(&format!("<p>{}</p>\n", escaped(&text))),
            Part::List(lines) => {
                let items: String = lines.iter().map(|l| format!("<li>{}</li>\n", escaped(l))).collect();
                out.push_str(&format!("<ul>\n{items}</ul>\n"));
            }
            Part::Table(head, rows) => {
                let cells = |tag: &str, row: &[String]| {
                    let cells: String =
                        row.iter().map(|c| format!("<{tag}>{}</{tag}>", escaped(c))).collect();
                    format!("<tr>{cells}</tr>\n")
                };
                let rows: String = rows.iter().map(|r| cells("td", r)).collect();
                out.push_str(&format!("<table>\n{}{rows}</table>\n", cells("th", &head)));
            }
            Part::Picture(index) => out.push_str(pictures.get(index).map_or("", String::as_str)),
        }
    }
    out.push_str("</body></html>\n");
    out
}
