//! The page's style sheet: light and dark by what the reader prefers, light on paper. Nothing is said by colour alone.

/// In a `<style>` element of the page; it fetches nothing.
pub(super) const STYLE: &str = "
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1d1f; --muted: #5c636b; --rule: #d9dde1; --shade: #f4f6f7;
  --good: #2f7a9b; --bad: #b4442c; --ok: #1d7346; --no: #b3261e; --unsure: #8a5a00; --none: #5c636b;
  --s1: #0b6aa8; --s2: #d08700; --s3: #12855f; --s4: #b05f8e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --ink: #e4e5e3; --muted: #9aa2aa; --rule: #343a40; --shade: #1d2125;
    --good: #5aa9c9; --bad: #e27a5f; --ok: #57b886; --no: #f0766c; --unsure: #d9a441; --none: #9aa2aa;
    --s1: #56a9e0; --s2: #e6a532; --s3: #3fbc91; --s4: #d78bb6;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif;
}
main { max-width: 1000px; margin: 0 auto; padding: 32px 24px 72px; }
h1 { margin: 0; font-size: 24px; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; }
h2 { margin: 36px 0 10px; padding-top: 12px; border-top: 2px solid var(--ink); font-size: 17px; font-weight: 650; }
h3 { margin: 20px 0 6px; font-size: 14px; font-weight: 650; }
p { margin: 6px 0; max-width: 75ch; overflow-wrap: anywhere; }
.made { color: var(--muted); margin: 4px 0 20px; font-variant-numeric: tabular-nums; }
.muted { color: var(--muted); }
ul { margin: 6px 0; padding-left: 20px; }
li { margin: 3px 0; overflow-wrap: anywhere; }
.band { border: 1px solid var(--tone); border-left-width: 8px; background: var(--shade); padding: 14px 20px; }
.band strong { display: block; font-size: 28px; line-height: 1.2; letter-spacing: 0.02em; color: var(--tone); }
.band.stale { border-style: dashed; border-left-style: solid; }
.go, .pass { --tone: var(--ok); }
.no_go, .fail { --tone: var(--no); }
.inconclusive { --tone: var(--unsure); }
.not_verified, .info { --tone: var(--none); }
.outcome { color: var(--tone); font-weight: 650; white-space: nowrap; }
.sum { font-size: 19px; font-variant-numeric: tabular-nums; margin: 8px 0 2px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; line-height: 1.4; font-variant-numeric: tabular-nums; }
table.full { width: 100%; }
th, td { padding: 5px 18px 5px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-weight: 600; border-bottom-color: var(--muted); white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
td { overflow-wrap: anywhere; }
th.n, td.n { text-align: right; white-space: nowrap; }
tr.why td { border-bottom: 1px solid var(--rule); padding-top: 0; }
tr.has-why td, tr.has-why th { border-bottom: 0; }
.question { display: block; font-weight: 400; color: var(--muted); white-space: normal; }
figure { margin: 12px 0; }
figcaption { color: var(--muted); font-size: 13.5px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: inherit; font-variant-numeric: tabular-nums; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 4px 0 0; padding: 0; list-style: none; }
.key svg { display: inline-block; width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; }
details { margin: 8px 0; }
summary { cursor: pointer; color: var(--muted); font-size: 13.5px; }
pre, code { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 12.5px; }
pre {
  background: var(--shade); padding: 12px 16px; margin: 8px 0; line-height: 1.45; white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 0 36px; }
footer { margin-top: 40px; padding-top: 10px; border-top: 1px solid var(--rule); color: var(--muted); font-size: 13px; }
.f-label { fill: var(--muted); } .l-label { stroke: var(--muted); }
.f-axis { fill: var(--muted); } .l-axis { stroke: var(--muted); }
.f-grid { fill: var(--rule); } .l-grid { stroke: var(--rule); }
.f-ink { fill: var(--ink); } .l-ink { stroke: var(--ink); }
.f-good { fill: var(--good); } .l-good { stroke: var(--good); }
.f-bad { fill: var(--bad); } .l-bad { stroke: var(--bad); }
.f-s1 { fill: var(--s1); } .l-s1 { stroke: var(--s1); }
.f-s2 { fill: var(--s2); } .l-s2 { stroke: var(--s2); }
.f-s3 { fill: var(--s3); } .l-s3 { stroke: var(--s3); }
.f-s4 { fill: var(--s4); } .l-s4 { stroke: var(--s4); }
@page { margin: 16mm 14mm; }
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ink: #000000; --muted: #444444; --rule: #bbbbbb; --shade: #ffffff;
    --good: #2f7a9b; --bad: #b4442c; --ok: #1d7346; --no: #b3261e; --unsure: #8a5a00; --none: #444444;
    --s1: #0b6aa8; --s2: #d08700; --s3: #12855f; --s4: #b05f8e;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  figure, tr, .band { break-inside: avoid; }
  .wide { overflow: visible; }
  svg, .band { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { display: block; content-visibility: visible; block-size: auto; }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fetches_nothing_and_knows_both_themes_and_paper() {
        for outside in ["url(", "@import", "http", "<", "expression"] {
            assert!(!STYLE.contains(outside), "{outside}");
        }
        for inside in [
            "prefers-color-scheme: dark",
            "@media print",
            "tabular-nums",
            "max-width: 1000px",
        ] {
            assert!(STYLE.contains(inside), "{inside}");
        }
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
    }

    #[test]
    fn every_variable_is_said_in_each_theme() {
        let names: std::collections::BTreeSet<&str> = STYLE
            .split("var(--")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|name| *name != "tone")
            .collect();
        assert!(names.len() >= 14, "{names:?}");
        for name in names {
            assert_eq!(STYLE.matches(&format!("--{name}: #")).count(), 3, "--{name}");
        }
    }
}
