//! The printed head and foot of every page: marks, serial, QR code, titles, place, control code, kit.

use qrcode::{EcLevel, QrCode, Version};
use rand::{Rng, RngExt};

use crate::code39::bars;
use crate::error::TestkitError;
use crate::fonts::Weight;
use crate::names;
use crate::page::{Page, RULE};
use crate::sheet::{Align, Item, Tone};
use crate::truth::HeaderTruth;

/// What identifies a form: printed on every page.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) corporacion: &'static str,
    /// Printed bold under the date; none on presidential forms.
    pub(crate) printed_corporacion: Option<&'static str>,
    /// 7 and the number of the corporación.
    pub(crate) prefix: u16,
    pub(crate) copia: Copy,
    /// Election name and date, as printed lines.
    pub(crate) election: Vec<&'static str>,
    pub(crate) departamento: (String, String),
    pub(crate) municipio: (String, String),
    pub(crate) zona: String,
    pub(crate) puesto: String,
    pub(crate) mesa: String,
    pub(crate) lugar: String,
    pub(crate) kit: u32,
    pub(crate) control: String,
    pub(crate) pages: u16,
    pub(crate) form_code: &'static str,
    /// First 16 bytes of the encrypted QR code per page, and the rest.
    pub(crate) qr_seed: [u8; 32],
}

/// Copy of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copy {
    Claveros,
    Delegados,
    Transmision,
    Consul,
}

impl Copy {
    fn printed(self) -> &'static str {
        match self {
            Self::Claveros => "CLAVEROS",
            Self::Delegados => "DELEGADOS",
            Self::Transmision => "TRANSMISIÓN",
            Self::Consul => "CÓNSUL/EMBAJADOR",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Claveros => "CLAVEROS",
            Self::Delegados => "DELEGADOS",
            Self::Transmision => "TRANSMISION",
            Self::Consul => "CONSUL",
        }
    }

    fn digit(self) -> u8 {
        match self {
            Self::Claveros => 1,
            Self::Delegados | Self::Consul => 2,
            Self::Transmision => 3,
        }
    }
}

/// How a family lays its header out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderStyle {
    /// Left, top, right, bottom of the place's box.
    pub(crate) place_box: [f32; 4],
    /// Left of its lines.
    pub(crate) place_x: f32,
    /// Middles of its lines.
    pub(crate) place_y: [f32; 4],
    /// LUGAR stands before ZONA.
    pub(crate) lugar_first: bool,
    /// Codes are bold.
    pub(crate) bold_codes: bool,
    /// Middle of the control code.
    pub(crate) control_y: f32,
    /// Number of the page as two digits.
    pub(crate) padded_page: bool,
    /// 2018: triangles in the corners, marks above the bottom ones, readable QR code.
    pub(crate) triangles: bool,
}

/// Real departamentos; everything below them is invented.
const DEPARTAMENTOS: [(&str, &str); 12] = [
    ("01", "ANTIOQUIA"),
    ("03", "ATLANTICO"),
    ("05", "BOLIVAR"),
    ("07", "BOYACA"),
    ("11", "CAUCA"),
    ("15", "CUNDINAMARCA"),
    ("19", "HUILA"),
    ("25", "NORTE DE SANTANDER"),
    ("26", "QUINDIO"),
    ("27", "SANTANDER"),
    ("29", "TOLIMA"),
    ("31", "VALLE"),
];

impl Identity {
    /// Draws place, kit, copy and control code of a form.
    pub(crate) fn sample<R: Rng + ?Sized>(
        rng: &mut R,
        prefix: u16,
        corporacion: &'static str,
        election: &[&'static str],
        abroad: bool,
    ) -> Self {
        let number = prefix % 10;
        let (departamento, municipio, zona, puesto, kit) = if abroad {
            let country = (format!("{:03}", rng.random_range(5..950)), names::town(rng));
            let kit = if rng.random_bool(0.4) {
                rng.random_range(200_001..200_900)
            } else {
                rng.random_range(300..3000)
            };
            (
                ("88".to_owned(), "CONSULADOS".to_owned()),
                country,
                rng.random_range(5..90),
                rng.random_range(1..87),
                kit,
            )
        } else {
            let (code, name) = DEPARTAMENTOS[rng.random_range(0..DEPARTAMENTOS.len())];
            let town = (format!("{:03}", rng.random_range(1..320)), names::town(rng));
            let zona = if rng.random_bool(0.25) {
                99
            } else {
                rng.random_range(1..20)
            };
            (
                (code.to_owned(), name.to_owned()),
                town,
                zona,
                rng.random_range(1..30),
                rng.random_range(1000..118_000),
            )
        };
        let copia = match rng.random_range(0..10) {
            0..3 => Copy::Claveros,
            3..8 if abroad => Copy::Consul,
            3..8 => Copy::Delegados,
            _ => Copy::Transmision,
        };
        let pair = |rng: &mut R| rng.random_range(0..100);
        let control = format!(
            "{}-{:02}-{:02}-{}{}",
            rng.random_range(2..=8),
            pair(rng),
            pair(rng),
            number,
            rng.random_range(0..10)
        );
        Self {
            corporacion,
            printed_corporacion: None,
            prefix,
            copia,
            election: election.to_vec(),
            departamento,
            municipio,
            zona: format!("{zona:02}"),
            puesto: format!("{puesto:02}"),
            mesa: format!("{:03}", rng.random_range(1..32)),
            lugar: names::place(rng),
            kit,
            control,
            pages: 1,
            form_code: "E-14",
            qr_seed: rng.random(),
        }
    }

    fn abroad(&self) -> bool {
        self.departamento.0 == "88"
    }

    /// The 15 digits of the serial of a page.
    pub(crate) fn serial(&self, page: u16) -> String {
        format!(
            "{}{:06}{}01{:02}{:02}",
            self.prefix,
            self.kit,
            self.copia.digit(),
            page,
            self.pages
        )
    }

    /// Serial number of the sheet.
    fn civ(&self, page: u16) -> u32 {
        u32::from(self.pages) * (self.kit % 200_000 - 1) + u32::from(page)
    }

    fn qr_text(&self, page: u16, plain: bool) -> String {
        if plain {
            // 2018: EE DD MMM ZZ PP mmm pg TT C VV, readable.
            return format!(
                "{}{}{}{}{}{}{:02}{:02}{}01",
                self.prefix,
                self.departamento.0,
                self.municipio.0,
                self.zona,
                self.puesto,
                self.mesa,
                page,
                self.pages,
                self.copia.digit()
            );
        }
        let byte = u8::try_from(page % 256).unwrap_or(0);
        let bytes: Vec<u8> = (0_u8..)
            .zip(self.qr_seed)
            .map(|(i, b)| b ^ byte.wrapping_mul(i.wrapping_mul(37) | 1))
            .collect();
        base64(&bytes)
    }

    pub(crate) fn truth(&self, page: u16, triangles: bool) -> HeaderTruth {
        let form_no = if triangles { self.kit * 2 - 1 } else { self.kit };
        HeaderTruth {
            corporacion: self.corporacion.to_owned(),
            copia: self.copia.name().to_owned(),
            eleccion: self.election.join(" "),
            departamento: self.departamento.0.clone(),
            departamento_nombre: self.departamento.1.clone(),
            municipio: self.municipio.0.clone(),
            municipio_nombre: self.municipio.1.clone(),
            zona: self.zona.clone(),
            puesto: self.puesto.clone(),
            mesa: self.mesa.clone(),
            lugar: self.lugar.clone(),
            barcode: self.serial(page),
            control: self.control.clone(),
            kit: self.kit.to_string(),
            form_no: form_no.to_string(),
            civ: self.civ(page).to_string(),
            page_of: [page, self.pages],
        }
    }
}

impl Page {
    /// Prints head and foot of a page.
    pub(crate) fn head_and_foot(
        &mut self,
        id: &Identity,
        number: u16,
        style: &HeaderStyle,
    ) -> Result<(), TestkitError> {
        self.corner_marks(style.triangles);
        self.serial(&id.serial(number));
        self.qr(&id.qr_text(number, style.triangles), style.triangles)?;
        let page = if style.padded_page {
            format!("Ver: 01 Pag: {number:02} de {:02}", id.pages)
        } else {
            format!("Ver: 01 Pag: {number} de {}", id.pages)
        };
        self.print(page, 0.9985, 0.0341, 0.0256, Weight::Regular).align = Align::Right;
        self.titles(id);
        self.place(id, style);
        let spaced = |c: &str| c.chars().map(String::from).collect::<Vec<_>>().join(" ");
        self.print(
            format!("X    {}    X", spaced(&id.control)),
            0.502,
            style.control_y,
            0.0438,
            Weight::Bold,
        );
        let foot = 1.0;
        self.print(format!("KIT {}", grouped(id.kit)), 0.505, foot, 0.0293, Weight::Bold);
        let truth = id.truth(number, style.triangles);
        self.print(
            format!("No. Form: {}", truth.form_no),
            0.05,
            foot,
            0.018,
            Weight::Regular,
        )
        .align = Align::Left;
        self.print(format!("Civ {}", truth.civ), 0.955, foot, 0.0245, Weight::Regular)
            .align = Align::Right;
        // Demonstration data says so, above the bar code and in the foot, where no field is and readers want no quiet.
        self.print("E J E M P L O", 0.5, -0.0130, 0.030, Weight::Bold);
        self.print("EJEMPLO", 0.315, foot, 0.024, Weight::Bold);
        Ok(())
    }

    fn corner_marks(&mut self, triangles: bool) {
        let half = 0.0165;
        let tall = self.down(half);
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
        for (x, y) in corners {
            if !triangles {
                self.fill([x - half, y - tall, x + half, y + tall], Tone::Black, [0.0, 0.0]);
                continue;
            }
            let (size, out) = (0.022, if x < 0.5 { -1.0 } else { 1.0 });
            let fall = if y < 0.5 { -1.0 } else { 1.0 };
            let (dx, dy) = (size * out, self.down(size) * fall);
            let corners = [[x + dx, y + dy], [x - dx, y + dy], [x + dx, y - dy]];
            self.items.push(Item::Triangle {
                corners,
                tone: Tone::Black,
            });
            if y > 0.5 {
                let y = y - self.down(0.075);
                self.fill([x - half, y - tall, x + half, y + tall], Tone::Black, [0.0, 0.0]);
            }
        }
    }

    fn serial(&mut self, digits: &str) {
        let widths = bars(digits);
        let modules: u32 = widths.iter().map(|w| u32::from(*w)).sum();
        let (left, width) = (0.223, 0.552);
        let module = width / f64::from(modules);
        let mut at = 0_u32;
        for (i, w) in widths.iter().enumerate() {
            if i % 2 == 0 {
                let edge = |m: u32| crate::num::single(left + f64::from(m) * module);
                self.fill(
                    [edge(at), -0.003, edge(at + u32::from(*w)), 0.0222],
                    Tone::Black,
                    [0.0, 0.0],
                );
            }
            at += u32::from(*w);
        }
        self.print(digits, 0.5, 0.0302, 0.0289, Weight::Regular);
    }

    fn qr(&mut self, text: &str, small: bool) -> Result<(), TestkitError> {
        let failed = |e: qrcode::types::QrError| TestkitError::Qr(e.to_string());
        let code = if small {
            QrCode::with_error_correction_level(text, EcLevel::L)
        } else {
            QrCode::with_version(text, Version::Normal(4), EcLevel::M)
        }
        .map_err(failed)?;
        let (left, top, side) = if small {
            (0.02, 0.047, 0.18)
        } else {
            (-0.005, 0.0425, 0.241)
        };
        let modules = code.width();
        let step = side / modules as f32;
        let down = self.down(step);
        let dark: Vec<bool> = code.to_colors().iter().map(|c| *c == qrcode::Color::Dark).collect();
        let is_dark = |x: usize, y: usize| x < modules && y < modules && dark[y * modules + x];
        let place = |x: f32, y: f32| [left + x * step, top + y * down];
        for i in (0..dark.len()).filter(|i| dark[*i]) {
            let (x, y) = (i % modules, i / modules);
            // A module reaches into its dark neighbours, else a light seam would show between their soft edges.
            let [l, t] = place(x as f32, y as f32);
            let reach = |dark: bool| if dark { 1.5 } else { 1.0 };
            let [r, _] = place(x as f32 + reach(is_dark(x + 1, y)), 0.0);
            let [_, b] = place(0.0, y as f32 + reach(is_dark(x, y + 1)));
            let [right, below] = place(x as f32 + 1.0, y as f32 + 1.0);
            self.fill([l, t, r, below], Tone::Black, [0.0, 0.0]);
            self.fill([l, t, right, b], Tone::Black, [0.0, 0.0]);
        }
        Ok(())
    }

    fn titles(&mut self, id: &Identity) {
        self.print("ACTA DE ESCRUTINIO DE LOS", 0.4995, 0.0482, 0.044, Weight::Bold)
            .stretch = 0.61;
        self.print("JURADOS DE VOTACIÓN", 0.4995, 0.0616, 0.044, Weight::Bold)
            .stretch = 0.61;
        self.fill([0.282, 0.0698, 0.716, 0.0868], Tone::Band, [0.0, 0.0]);
        let band = self.print(id.copia.printed(), 0.4995, 0.0783, 0.0459, Weight::Bold);
        band.tone = Tone::White;
        band.longest = 0.41;
        let ys = [0.0944, 0.1032, 0.1118];
        for (line, y) in id.election.iter().zip(ys) {
            let em = if id.printed_corporacion.is_some() {
                0.0292
            } else {
                0.0256
            };
            self.print(
                *line,
                0.4995,
                y - if id.printed_corporacion.is_some() { 0.0015 } else { 0.0 },
                em,
                Weight::Bold,
            )
            .longest = 0.49;
        }
        if let Some(name) = id.printed_corporacion {
            self.print(name, 0.4995, 0.1166, 0.0473, Weight::Bold).longest = 0.47;
        }
        self.fill([0.773, 0.043, 0.956, 0.0672], Tone::Band, [0.0, 0.0]);
        self.print(id.form_code, 0.8645, 0.055, 0.055, Weight::Bold).tone = Tone::White;
        // The registry's emblem, only hinted at.
        for (dy, r) in [(0.082, 0.03), (0.091, 0.034), (0.1, 0.028)] {
            self.items.push(Item::Ring {
                centre: [0.864, dy],
                radius: r,
                width: 0.006,
                tone: Tone::Half(0.75),
            });
        }
        self.print("REGISTRADURÍA", 0.864, 0.1108, 0.0262, Weight::Bold).longest = 0.2;
        self.print("NACIONAL DEL ESTADO CIVIL", 0.864, 0.1165, 0.0137, Weight::Bold)
            .longest = 0.2;
    }

    fn place(&mut self, id: &Identity, style: &HeaderStyle) {
        self.frame(style.place_box, RULE, [0.0, 0.0]);
        let (first, second) = if id.abroad() {
            ("CONSULADO", "PAÍS")
        } else {
            ("DEPARTAMENTO", "MUNICIPIO")
        };
        let coded = |label: &str, (code, name): &(String, String)| {
            vec![
                (format!("{label}: "), false),
                (code.clone(), true),
                (format!(" - {name}"), false),
            ]
        };
        let zona = vec![
            ("ZONA: ".to_owned(), false),
            (id.zona.clone(), true),
            ("  PUESTO: ".to_owned(), false),
            (id.puesto.clone(), true),
            ("  MESA: ".to_owned(), false),
            (id.mesa.clone(), true),
        ];
        let lugar = vec![(format!("LUGAR: {}", id.lugar), false)];
        let (third, fourth) = if style.lugar_first {
            (lugar, zona)
        } else {
            (zona, lugar)
        };
        let lines = [
            coded(first, &id.departamento),
            coded(second, &id.municipio),
            third,
            fourth,
        ];
        for (runs, y) in lines.into_iter().zip(style.place_y) {
            self.items.push(Item::Runs {
                runs: runs
                    .into_iter()
                    .map(|(text, code)| {
                        (
                            text,
                            if code && style.bold_codes {
                                Weight::Bold
                            } else {
                                Weight::Regular
                            },
                        )
                    })
                    .collect(),
                x: style.place_x,
                y,
                em: 0.0333,
                longest: style.place_box[2] - style.place_x - 0.012,
            });
        }
    }
}

/// 67778 as the footer prints it: 67,778.
fn grouped(kit: u32) -> String {
    if kit < 1000 {
        kit.to_string()
    } else {
        format!("{},{:03}", kit / 1000, kit % 1000)
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                let index = usize::try_from(word >> (18 - 6 * i) & 63).unwrap_or(0);
                text.push(char::from(LETTERS[index]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
