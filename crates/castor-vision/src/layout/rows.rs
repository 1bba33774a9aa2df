//! The families whose boxes may have dropped out: rows are found by rules, cells by the template.

use super::lines::Line;
use super::numbering;
use super::template::{GridColumn, Kind, Span, Template};
use super::{Cell, FrameRect, PageLayout, PageView};
use castor_domain::form::{Corporacion, FieldPath, ListCode, Nivelacion};

/// The body starts below the header box and ends above the foot marks.
const BODY: Span = [0.200, 0.985];
/// Heights of the rows of a nivelación or special table.
const TABLE_ROW: Span = [0.017, 0.050];

/// A stretch between two lines that bound it.
#[derive(Debug, Clone, Copy)]
struct Band<'a> {
    top: &'a Line,
    bottom: &'a Line,
}

impl Band<'_> {
    fn height_at(&self, x: f32) -> f32 {
        self.bottom.at(x) - self.top.at(x)
    }

    fn middle_at(&self, x: f32) -> f32 {
        f32::midpoint(self.top.at(x), self.bottom.at(x))
    }
}

/// A run of labelled rows beside one divider: nivelación, or the special votes with or without the total.
struct Table<'a> {
    rows: Vec<Band<'a>>,
}

impl Table<'_> {
    fn top(&self) -> f32 {
        self.rows.first().map_or(0.0, |r| r.top.at(0.5))
    }

    fn bottom(&self) -> f32 {
        self.rows.last().map_or(0.0, |r| r.bottom.at(0.5))
    }
}

/// Explains the page by a template; `None` when its rows are not there.
pub(super) fn explain(
    view: &PageView<'_>,
    template: &Template,
    corporacion: Option<Corporacion>,
) -> Option<PageLayout> {
    let tables = tables(view, template.divider);
    let mut found = Found::default();
    let mut body = BODY;
    for table in &tables {
        let Some(kind) = table_kind(view, template, table, tables.len()) else {
            continue;
        };
        add_table(template, table, &kind, &mut found);
        if kind.rows.iter().flatten().count() < rows_printed(template, kind.nivelacion, corporacion) {
            let name = if kind.nivelacion {
                "nivelación"
            } else {
                "special votes"
            };
            found.doubts.push(format!("rows of the {name} not found"));
        }
        if kind.nivelacion {
            body[0] = table.bottom();
        } else {
            body[1] = table.top().min(body[1]);
        }
        found.foot = found.foot.max(table.bottom());
    }
    match template.kind {
        Kind::Rows => candidates(view, template, body, &mut found),
        Kind::Lists => lists(view, template, [BODY[0], body[1]], &mut found),
        Kind::CodedRows => coded_rows(view, template, body, &mut found),
    }
    if found.cells.is_empty() {
        return None;
    }
    if template.kind == Kind::Rows {
        doubt_candidates(&mut found);
    }
    let named = found.cells.iter().filter(|c| c.named).map(|_| 1.0f32).sum::<f32>();
    let all = found.cells.iter().map(|_| 1.0f32).sum::<f32>();
    // A template that explains more of the page wins over one that explains only its tables.
    let bonus = 1.0 - 1.0 / (1.0 + all);
    let mut cells = found.cells;
    cells.sort_by(|a, b| a.boxes[0].y0.total_cmp(&b.boxes[0].y0));
    Some(PageLayout {
        template: template.id.clone(),
        cells,
        names: found.names,
        quality: named / all * bonus,
        foot: found.foot,
        doubts: found.doubts,
    })
}

/// How many rows the family prints in the nivelación or the table of special votes.
fn rows_printed(template: &Template, nivelacion: bool, corporacion: Option<Corporacion>) -> usize {
    match template.kind {
        // The last page of a youth council holds nothing that tells its family.
        _ if !nivelacion && corporacion == Some(Corporacion::Cmj) => 2,
        Kind::Lists if !nivelacion => 3,
        Kind::Rows if !nivelacion => 4,
        Kind::CodedRows if !nivelacion => 2,
        Kind::Lists | Kind::Rows | Kind::CodedRows => 3,
    }
}

/// Doubts the page when candidates are missing between others, or the first candidate stands without the nivelación.
fn doubt_candidates(found: &mut Found) {
    let mut numbers: Vec<u16> = found
        .cells
        .iter()
        .filter_map(|c| {
            if let FieldPath::Candidato(n) = c.path {
                Some(n)
            } else {
                None
            }
        })
        .collect();
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        if pair[1] > pair[0] + 1 {
            found
                .doubts
                .push(format!("no row between candidates {} and {}", pair[0], pair[1]));
        }
    }
    // Beyond a gap that nobody explains the numbers may all be read wrongly alike.
    if let Some(gap) = numbers.windows(2).find(|p| p[1] > p[0] + 1) {
        for cell in &mut found.cells {
            cell.named &= !matches!(cell.path, FieldPath::Candidato(n) if n >= gap[1]);
        }
    }
    let nivelacion = found.cells.iter().any(|c| matches!(c.path, FieldPath::Nivelacion(_)));
    if numbers.first() == Some(&1) && !nivelacion {
        found.doubts.push("candidate 1 without the nivelación".to_owned());
    }
}

/// Whether the page is one without cells: no table of votes, and a title bar near its head that says CONSTANCIAS.
pub(super) fn is_constancias(view: &PageView<'_>, templates: &[Template]) -> bool {
    /// Where the bar begins; those of the header stand higher.
    const BARS: Span = [0.15, 0.30];
    if templates.iter().any(|t| !tables(view, t.divider).is_empty()) {
        return false;
    }
    view.lines
        .bars
        .iter()
        .filter(|(top, _)| (BARS[0]..BARS[1]).contains(&top.at(0.5)))
        .any(|(top, bottom)| {
            let mut bar = view.crop(FrameRect {
                x0: 0.15,
                y0: top.at(0.5),
                x1: 0.85,
                y1: bottom.at(0.5),
            });
            // The title is white on the bar.
            image::imageops::invert(&mut bar);
            view.labels
                .label(&bar, &says_constancias)
                .is_some_and(|t| says_constancias(&t))
        })
}

/// Whether the body of the page begins with a framed title that says CONSTANCIAS: no vote row stands below one.
pub(super) fn is_titled_constancias(view: &PageView<'_>) -> bool {
    /// Where the body begins, and heights of a title.
    const HEAD: Span = [0.205, 0.310];
    const TITLE: Span = [0.008, 0.026];
    let full = full_lines(view);
    let title = full
        .windows(2)
        .map(|w| [w[0].at(0.5), w[1].at(0.5)])
        .find(|y| (HEAD[0]..HEAD[1]).contains(&y[0]) && (TITLE[0]..TITLE[1]).contains(&(y[1] - y[0])));
    title.is_some_and(|[top, bottom]| {
        let place = FrameRect {
            x0: 0.05,
            y0: top + 0.001,
            x1: 0.95,
            y1: bottom - 0.001,
        };
        let text = view.labels.label(&view.crop(place), &says_constancias);
        text.is_some_and(|t| says_constancias(&t))
    })
}

fn says_constancias(text: &str) -> bool {
    text.to_uppercase().contains("CONSTANCIA")
}

/// What an explanation gathers.
#[derive(Default)]
struct Found {
    cells: Vec<Cell>,
    names: Vec<(FieldPath, FrameRect)>,
    foot: f32,
    doubts: Vec<String>,
}

/// Lines across the whole page within the body.
fn full_lines<'a>(view: &PageView<'a>) -> Vec<&'a Line> {
    view.lines
        .horizontal
        .iter()
        .filter(|l| l.coverage(0.03, 0.97) >= 0.7 && (BODY[0] - 0.02..BODY[1] + 0.01).contains(&l.at(0.5)))
        .collect()
}

/// Tables beside a divider in the given span.
fn tables<'a>(view: &PageView<'a>, divider: Span) -> Vec<Table<'a>> {
    let middle = f32::midpoint(divider[0], divider[1]);
    let dividers: Vec<&Line> = view
        .lines
        .vertical
        .iter()
        .filter(|l| (divider[0]..divider[1]).contains(&l.at(f32::midpoint(l.start(), l.end()))))
        .collect();
    let lines: Vec<&Line> = view
        .lines
        .horizontal
        .iter()
        .filter(|l| l.coverage(0.03, middle - 0.05) >= 0.6 && (BODY[0]..BODY[1] + 0.01).contains(&l.at(0.4)))
        // A rule reaches both ends; a line of label text does not.
        .filter(|l| l.coverage(0.0, 0.05) >= 0.5 && l.coverage(middle - 0.065, middle - 0.015) >= 0.5)
        .collect();
    let mut tables: Vec<Table<'a>> = Vec::new();
    for pair in lines.windows(2) {
        let row = Band {
            top: pair[0],
            bottom: pair[1],
        };
        let (top, bottom) = (row.top.at(middle), row.bottom.at(middle));
        let divided = dividers.iter().any(|d| d.coverage(top + 0.002, bottom - 0.002) >= 0.6);
        if !(TABLE_ROW[0]..TABLE_ROW[1]).contains(&(bottom - top)) || !divided {
            continue;
        }
        match tables.last_mut() {
            Some(table) if top - table.bottom() < 0.010 => table.rows.push(row),
            _ => tables.push(Table { rows: vec![row] }),
        }
    }
    tables.retain(|t| t.rows.len() >= 2);
    tables
}

/// What a table's rows mean.
struct TableKind {
    /// Nivelación, else the special votes.
    nivelacion: bool,
    /// The field of each row; `None` for a row that is none of the table's.
    rows: Vec<Option<FieldPath>>,
    named: bool,
}

/// Reads the labels of a table. Each label says which field its row is and so which every other row is; the rows are
/// confirmed when two labels agree and none differs.
fn table_kind(view: &PageView<'_>, template: &Template, table: &Table<'_>, tables: usize) -> Option<TableKind> {
    let nivelacion = [Nivelacion::Sufragantes, Nivelacion::Urna, Nivelacion::Incinerados].map(FieldPath::Nivelacion);
    let specials = [
        FieldPath::Blanco,
        FieldPath::Nulos,
        FieldPath::NoMarcados,
        FieldPath::Total,
    ];
    // For each row that has a label: the table it belongs to and the row that would carry the table's first field. Two
    // labels that agree are enough; where they do not, all are asked.
    let mut votes: Vec<(bool, isize)> = Vec::new();
    // The head of a list and its row 0 look like a table of two rows; the latter is sooner read than logo and name.
    if let [_, last] = &table.rows[..]
        && row_label(view, template, last).is_some_and(|label| is_list(&label))
    {
        return None;
    }
    for (row, i) in table.rows.iter().zip(0isize..) {
        let label = row_label(view, template, row);
        let place = label.and_then(|label| label_place(&label));
        votes.extend(place.map(|(is_nivelacion, place)| (is_nivelacion, i - place)));
        if let [first, second] = votes[..]
            && first == second
        {
            break;
        }
    }
    if let Some(&vote) = votes.first() {
        let agree = votes.iter().all(|v| *v == vote);
        let counted = |v: &(bool, isize)| votes.iter().filter(|w| *w == v).count();
        let &(is_nivelacion, start) = votes.iter().max_by_key(|v| counted(v))?;
        let fields = if is_nivelacion { &nivelacion[..] } else { &specials[..] };
        let of_row = |i: isize| usize::try_from(i - start).ok().and_then(|k| fields.get(k)).cloned();
        let rows: Vec<Option<FieldPath>> = (0isize..).zip(&table.rows).map(|(i, _)| of_row(i)).collect();
        return Some(TableKind {
            nivelacion: is_nivelacion,
            rows,
            named: agree && votes.len() >= 2,
        });
    }
    // No label could be read: the place on the page tells, and the rows stay unconfirmed.
    let rows = table.rows.len();
    let by_place = |nivelacion: bool, fields: &[FieldPath]| TableKind {
        nivelacion,
        rows: fields.iter().cloned().map(Some).collect(),
        named: false,
    };
    if rows == 3 && table.top() < 0.27 && tables > 1 {
        return Some(by_place(true, &nivelacion));
    }
    (rows == 4).then(|| by_place(false, &specials))
}

/// The printed label of a table's row, upper case.
fn row_label(view: &PageView<'_>, template: &Template, row: &Band<'_>) -> Option<String> {
    let half = (row.height_at(0.35) / 2.0 - 0.002).min(0.013);
    let label = around([0.0, template.divider[0] - 0.005], row.middle_at(0.35), half);
    // Beside a plus any word may be one of many: such a label must be read well.
    let expected = |text: &str| !text.contains('+') && (label_place(text).is_some() || is_list(text));
    let text = view.labels.label(&view.crop(label), &expected);
    text.map(|t| t.to_uppercase())
}

/// Whether a label is that of a list's own votes.
fn is_list(text: &str) -> bool {
    ["SOLO POR", "POR LA LISTA", "POR LA AGRUPACI"]
        .iter()
        .any(|w| text.contains(w))
}

/// Which table a label belongs to (true for nivelación) and its place in it.
fn label_place(text: &str) -> Option<(bool, isize)> {
    let is = |words: &[&str]| words.iter().any(|w| text.contains(w));
    if is(&["INCINER"]) {
        Some((true, 2))
    } else if is(&["URNA"]) {
        Some((true, 1))
    } else if is(&["SUFRAGA", "VOTANTES", "E-11"]) {
        Some((true, 0))
    } else if is(&["SUMA", "BLANCO +"]) {
        Some((false, 3))
    } else if is(&["BLANCO"]) {
        Some((false, 0))
    } else if is(&["NULOS"]) {
        Some((false, 1))
    } else if is(&["MARCADOS"]) {
        Some((false, 2))
    } else {
        None
    }
}

fn add_table(template: &Template, table: &Table<'_>, kind: &TableKind, found: &mut Found) {
    for (row, path) in table.rows.iter().zip(&kind.rows) {
        let Some(path) = path else { continue };
        let boxes = boxes_in(row, template.boxes, template.box_height);
        found.cells.push(Cell {
            path: path.clone(),
            boxes,
            named: kind.named,
        });
    }
}

/// Three boxes in the middle of a band.
fn boxes_in(band: &Band<'_>, edges: [f32; 4], height: f32) -> [FrameRect; 3] {
    boxes_at(|x| band.middle_at(x), edges, height)
}

/// Three boxes whose middle follows a line.
fn boxes_at(middle: impl Fn(f32) -> f32, edges: [f32; 4], height: f32) -> [FrameRect; 3] {
    [0, 1, 2].map(|i| {
        let y = middle(f32::midpoint(edges[i], edges[i + 1]));
        FrameRect {
            x0: edges[i],
            y0: y - height / 2.0,
            x1: edges[i + 1],
            y1: y + height / 2.0,
        }
    })
}

/// One framed row per candidate.
fn candidates(view: &PageView<'_>, template: &Template, body: Span, found: &mut Found) {
    let full = full_lines(view);
    let bands: Vec<Band<'_>> = full
        .windows(2)
        .map(|w| Band {
            top: w[0],
            bottom: w[1],
        })
        .filter(|b| {
            let x = f32::midpoint(template.boxes[0], template.boxes[3]);
            let height = b.height_at(x);
            (template.row_height[0]..template.row_height[1]).contains(&height)
                && b.top.at(x) > body[0] - 0.004
                && b.bottom.at(x) < body[1] + 0.004
                && !has_bar(view, b)
        })
        .collect();
    // The candidates' frames of a page have one height: the commonest, the tallest breaking ties.
    let x = f32::midpoint(template.boxes[0], template.boxes[3]);
    let alike = |h: f32| bands.iter().filter(|b| (b.height_at(x) / h - 1.0).abs() < 0.08).count();
    let Some(height) = bands
        .iter()
        .map(|b| b.height_at(x))
        .max_by(|&a, &b| alike(a).cmp(&alike(b)).then(a.total_cmp(&b)))
    else {
        return;
    };
    let rows: Vec<&Band<'_>> = bands
        .iter()
        .filter(|b| (b.height_at(x) / height - 1.0).abs() < 0.08)
        .collect();
    if let Some(doubt) = room_for_a_row(&rows, height, body) {
        found.doubts.push(doubt);
    }
    let readings: Vec<numbering::Reading> = rows.iter().map(|b| row_number(view, template.number, b)).collect();
    for ((number, named), band) in numbering::assign(&readings, 1).into_iter().zip(rows) {
        let path = FieldPath::Candidato(u16::try_from(number).unwrap_or(u16::MAX));
        let boxes = boxes_in(band, template.boxes, template.box_height);
        found.foot = found.foot.max(band.bottom.at(0.5));
        let name = FrameRect {
            x0: template.name[0],
            x1: template.name[1],
            y0: band.top.at(0.4) + 0.002,
            y1: band.bottom.at(0.4) - 0.002,
        };
        found.names.push((path.clone(), name));
        found.cells.push(Cell { path, boxes, named });
    }
}

/// Says so when the candidates' rows leave room for one more: before the first, which a title precedes (up to 0.7 of a
/// row's height on forms of 2022 to 2026), between two (up to 0.15), or before what follows the last (up to 0.25).
fn room_for_a_row(rows: &[&Band<'_>], height: f32, body: Span) -> Option<String> {
    const MIDDLE: f32 = 0.5;
    let tops = rows.iter().map(|b| b.top.at(MIDDLE)).chain([body[1]]);
    let bottoms = [body[0]].into_iter().chain(rows.iter().map(|b| b.bottom.at(MIDDLE)));
    tops.zip(bottoms)
        .enumerate()
        .find(|(i, (top, bottom))| (top - bottom) / height > if *i == 0 { 0.85 } else { 0.45 })
        .map(|(i, _)| format!("room for a candidate's row that was not found, after {i} rows of the page"))
}

/// Whether a band holds a filled title bar: it is filled where photographs and logos stand, and where only marks do.
fn has_bar(view: &PageView<'_>, band: &Band<'_>) -> bool {
    const PARTS: [[f32; 2]; 2] = [[0.05, 0.95], [0.74, 0.97]];
    const STEP: f32 = 0.004;
    let (top, bottom) = (band.top.at(0.5), band.bottom.at(0.5));
    let mut y = top + 0.002;
    while y + STEP < bottom {
        let filled = |[x0, x1]: [f32; 2]| {
            let y1 = y + STEP;
            view.ink_share(FrameRect { x0, y0: y, x1, y1 }) > 0.55
        };
        if PARTS.into_iter().all(filled) {
            return true;
        }
        y += 0.002;
    }
    false
}

/// The printed number of a row.
fn row_number(view: &PageView<'_>, place: Span, band: &Band<'_>) -> numbering::Reading {
    number_at(view, place, band.middle_at(place[0]), 0.0085)
}

/// A printed number in an x span around a height.
fn number_at(view: &PageView<'_>, place: Span, y: f32, half: f32) -> numbering::Reading {
    let rect = around(place, y, half);
    if view.ink_share(rect) < 0.01 {
        return None;
    }
    view.number(rect)
}

/// The rectangle of an x span around a height.
fn around(place: Span, y: f32, half: f32) -> FrameRect {
    FrameRect {
        x0: place[0],
        y0: y - half,
        x1: place[1],
        y1: y + half,
    }
}

/// Lists with a row 0 and a grid.
fn lists(view: &PageView<'_>, template: &Template, body: Span, found: &mut Found) {
    let full = full_lines(view);
    let middle = f32::midpoint(template.divider[0], template.divider[1]);
    for (i, pair) in full.windows(2).enumerate() {
        let row0 = Band {
            top: pair[0],
            bottom: pair[1],
        };
        let (top, bottom) = (row0.top.at(middle), row0.bottom.at(middle));
        let divided = view.lines.vertical.iter().any(|l| {
            (template.divider[0]..template.divider[1]).contains(&l.at(top))
                && l.coverage(top + 0.003, bottom - 0.003) >= 0.55
        });
        let in_body = top > body[0] + template.header_height && bottom < body[1];
        let tall = (template.row_height[0]..template.row_height[1]).contains(&(bottom - top));
        if !divided || !in_body || !tall || !has_list_header(view, template, &row0) {
            continue;
        }
        let code_y = row0.top.at(template.code[0]) - template.header_height / 2.0;
        let (list, named) = view.list_code(around(template.code, code_y, 0.009), found.names.len() + 1);
        let header = |path: FieldPath, found: &mut Found| {
            let (y0, y1) = (
                row0.top.at(0.6) - template.header_height + 0.002,
                row0.top.at(0.6) - 0.002,
            );
            found.names.push((
                path,
                FrameRect {
                    x0: template.name[0],
                    y0,
                    x1: template.name[1],
                    y1,
                },
            ));
        };
        header(FieldPath::SoloLista(list.clone()), found);
        let boxes = boxes_in(&row0, template.boxes, template.box_height);
        found.cells.push(Cell {
            path: FieldPath::SoloLista(list.clone()),
            boxes,
            named,
        });
        found.foot = found.foot.max(bottom);
        if let Some(foot) = full.get(i + 2)
            && framed(view, bottom)
        {
            grid(view, template, &list, named, (row0.bottom, foot), found);
            found.foot = found.foot.max(foot.at(0.5));
        }
    }
}

/// Whether vertical rules stand at both sides of the code above a row 0.
fn has_list_header(view: &PageView<'_>, template: &Template, row0: &Band<'_>) -> bool {
    let y = row0.top.at(0.3);
    let (y0, y1) = (y - template.header_height + 0.006, y - 0.003);
    let edge = |x: f32| {
        view.lines
            .vertical
            .iter()
            .any(|l| (l.at((y0 + y1) / 2.0) - x).abs() < 0.03 && l.coverage(y0, y1) >= 0.5)
    };
    edge(template.code[0]) && edge(template.code[1])
}

/// Whether the frame's sides go on below a height.
fn framed(view: &PageView<'_>, y: f32) -> bool {
    let side = |x: f32| {
        view.lines
            .vertical
            .iter()
            .any(|l| (l.at(y + 0.01) - x).abs() < 0.025 && l.coverage(y + 0.004, y + 0.03) >= 0.6)
    };
    side(-0.008) && side(1.006)
}

/// The grid of a list with preferential vote and its total.
fn grid(
    view: &PageView<'_>,
    template: &Template,
    list: &ListCode,
    list_named: bool,
    frame: (&Line, &Line),
    found: &mut Found,
) {
    let (top, foot) = frame;
    let height = foot.at(0.5) - top.at(0.5);
    let steps = ((height - template.grid_first - template.grid_last) / template.grid_pitch).round();
    if !(0.0..40.0).contains(&steps) {
        return;
    }
    let rows = crate::raster::index(steps, 64) + 1;
    // The rows keep their proportions between the two rules that bound the grid.
    let stretch = height / (template.grid_first + template.grid_last + template.grid_pitch * steps);
    let middle =
        |row: u32, x: f32| top.at(x) + stretch * (template.grid_first + template.grid_pitch * crate::raster::real(row));
    let mut places: Vec<(u32, &GridColumn)> = Vec::new();
    let mut readings = Vec::new();
    for column in &template.grid_column {
        for row in 0..rows {
            let y = middle(row, column.number[0]);
            let rect = FrameRect {
                x0: column.number[0],
                y0: y - 0.006,
                x1: column.number[1],
                y1: y + 0.006,
            };
            if view.ink_share(rect) < 0.015 {
                continue;
            }
            places.push((row, column));
            readings.push(number_at(view, column.number, y, 0.0095));
        }
    }
    let numbers = numbering::assign(&readings, 1);
    for ((number, named), (row, column)) in numbers.into_iter().zip(places) {
        let path = FieldPath::ListaCandidato(list.clone(), u16::try_from(number).unwrap_or(u16::MAX));
        let boxes = boxes_at(|x| middle(row, x), column.boxes, template.box_height);
        found.cells.push(Cell {
            path,
            boxes,
            named: named && list_named,
        });
    }
    let total = boxes_at(
        |x| foot.at(x) - stretch * template.total_row,
        template.boxes,
        template.box_height,
    );
    found.cells.push(Cell {
        path: FieldPath::ListaTotal(list.clone()),
        boxes: total,
        named: list_named,
    });
}

/// One framed row per list, named by its code.
fn coded_rows(view: &PageView<'_>, template: &Template, body: Span, found: &mut Found) {
    let full = full_lines(view);
    for pair in full.windows(2) {
        let row = Band {
            top: pair[0],
            bottom: pair[1],
        };
        let (top, bottom) = (row.top.at(0.26), row.bottom.at(0.26));
        let labelled = view.lines.vertical.iter().any(|l| {
            (template.label_edge[0]..template.label_edge[1]).contains(&l.at(top))
                && l.coverage(top + 0.003, bottom - 0.003) >= 0.6
        });
        let tall = (template.row_height[0]..template.row_height[1]).contains(&(bottom - top));
        if !labelled || !tall || top < body[0] || bottom > body[1] {
            continue;
        }
        let y = row.top.at(0.45) + (bottom - top) * 0.66;
        let (list, named) = view.list_code(around(template.code, y, 0.0095), found.names.len() + 1);
        let path = FieldPath::SoloLista(list);
        let (y0, y1) = (
            row.top.at(0.6) - template.header_height + 0.002,
            row.top.at(0.6) - 0.002,
        );
        found.names.push((
            path.clone(),
            FrameRect {
                x0: template.name[0],
                y0,
                x1: template.name[1],
                y1,
            },
        ));
        found.cells.push(Cell {
            path,
            boxes: boxes_in(&row, template.boxes, template.box_height),
            named,
        });
        found.foot = found.foot.max(bottom);
    }
}
