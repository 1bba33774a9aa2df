//! Templates: where the families of forms print things. Data files, read once.

use serde::Deserialize;
use std::sync::OnceLock;

/// A span along one axis of the frame: from, to.
pub(crate) type Span = [f32; 2];

/// How a family arranges its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// One framed row per candidate.
    Rows,
    /// Lists with a row 0, a grid of candidates and a total.
    Lists,
    /// One framed row per list, with the list's code.
    CodedRows,
}

/// One column of a grid of candidates.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GridColumn {
    /// Where the candidate's number stands.
    pub(crate) number: Span,
    /// Edges of the three boxes.
    pub(crate) boxes: [f32; 4],
}

/// The printed geometry of one family, in frame coordinates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    /// Stable name, reported with each page.
    pub(crate) id: String,
    /// Arrangement.
    pub(crate) kind: Kind,
    /// Where the vertical rule between labels and cells may stand.
    pub(crate) divider: Span,
    /// Height of the rows that the family is made of.
    pub(crate) row_height: Span,
    /// Edges of the three boxes.
    pub(crate) boxes: [f32; 4],
    /// Height of a box.
    pub(crate) box_height: f32,
    /// Where a row's number stands.
    #[serde(default)]
    pub(crate) number: Span,
    /// Where a row's or list's name stands.
    #[serde(default)]
    pub(crate) name: Span,
    /// Where a list's code stands.
    #[serde(default)]
    pub(crate) code: Span,
    /// Vertical rule at the right of the row's label.
    #[serde(default)]
    pub(crate) label_edge: Span,
    /// Height of the header above a list's first row.
    #[serde(default)]
    pub(crate) header_height: f32,
    /// First grid row below row 0.
    #[serde(default)]
    pub(crate) grid_first: f32,
    /// Last grid row above the foot of the frame.
    #[serde(default)]
    pub(crate) grid_last: f32,
    /// Between grid rows.
    #[serde(default)]
    pub(crate) grid_pitch: f32,
    /// Total row above the foot of the frame.
    #[serde(default)]
    pub(crate) total_row: f32,
    /// Columns of the grid, in reading order.
    #[serde(default)]
    pub(crate) grid_column: Vec<GridColumn>,
}

/// The shipped templates, parsed once.
///
/// # Errors
/// The name and message of a data file that does not parse; a test keeps the shipped ones valid.
pub(crate) fn shipped() -> Result<&'static [Template], &'static str> {
    static TEMPLATES: OnceLock<Result<Vec<Template>, String>> = OnceLock::new();
    let parsed = TEMPLATES.get_or_init(|| {
        [
            ("uninominal-2023", include_str!("../../templates/uninominal-2023.toml")),
            ("lists-2023", include_str!("../../templates/lists-2023.toml")),
            ("cmj-2025", include_str!("../../templates/cmj-2025.toml")),
        ]
        .into_iter()
        .map(|(name, text)| toml::from_str(text).map_err(|e| format!("{name}: {e}")))
        .collect()
    });
    parsed.as_deref().map_err(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_templates_parse_and_carry_their_file_names() {
        let ids: Vec<&str> = shipped().unwrap().iter().map(|t| t.id.as_str()).collect();
        assert_eq!(ids, ["uninominal-2023", "lists-2023", "cmj-2025"]);
    }
}
