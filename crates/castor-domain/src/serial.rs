//! Numbers that tie a sheet to its form: the serial under the barcode, the 2018 QR, the control code.

use std::fmt;
use std::str::FromStr;

use crate::codes::{DepartamentoCode, MesaCode, MesaId, MunicipioCode, PuestoCode, ZonaCode};
use crate::error::{ParseError, SerialFault};
use crate::form::{Copia, Corporacion};

/// First two digits of a serial, 71 to 79. The second is the corporación's number in its own election, so that one
/// class stands for several corporaciones of different elections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CorporacionClass(u8);

impl CorporacionClass {
    /// The corporación's number in its election, 1 to 9: the second digit, and the tens digit of the control code's end.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0 - 70
    }

    /// Corporaciones seen with this class. 75 is inferred.
    #[must_use]
    pub fn candidates(self) -> &'static [Corporacion] {
        match self.number() {
            1 => &[Corporacion::Presidente, Corporacion::Senado, Corporacion::Gobernador],
            2 => &[Corporacion::Camara, Corporacion::Asamblea],
            3 => &[Corporacion::Alcalde],
            4 => &[Corporacion::Concejo, Corporacion::Cmj],
            5 => &[Corporacion::Jal],
            _ => &[],
        }
    }

    /// Whether a form of this class can be of the corporación; classes never seen can be of any.
    #[must_use]
    pub fn may_be(self, corporacion: Corporacion) -> bool {
        let known = self.candidates();
        known.is_empty() || known.contains(&corporacion)
    }

    fn parse(two: u8) -> Result<Self, SerialFault> {
        if (71..=79).contains(&two) {
            Ok(Self(two))
        } else {
            Err(SerialFault::Class)
        }
    }
}

impl fmt::Display for CorporacionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Copy digit of a serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CopyDigit {
    /// 1: claveros.
    Claveros,
    /// 2: delegados, or the consul's copy abroad.
    DelegadosOrConsul,
    /// 3: transmisión.
    Transmision,
}

impl CopyDigit {
    /// The copy, given whether the table stands abroad.
    #[must_use]
    pub fn copia(self, abroad: bool) -> Copia {
        match self {
            Self::Claveros => Copia::Claveros,
            Self::DelegadosOrConsul if abroad => Copia::Consul,
            Self::DelegadosOrConsul => Copia::Delegados,
            Self::Transmision => Copia::Transmision,
        }
    }

    /// Whether the copy band may say this.
    #[must_use]
    pub fn may_be(self, copia: Copia) -> bool {
        self.digit() == copia.digit()
    }

    /// The digit, 1 to 3.
    #[must_use]
    pub fn digit(self) -> u8 {
        match self {
            Self::Claveros => 1,
            Self::DelegadosOrConsul => 2,
            Self::Transmision => 3,
        }
    }

    fn parse(digit: u8) -> Result<Self, SerialFault> {
        match digit {
            1 => Ok(Self::Claveros),
            2 => Ok(Self::DelegadosOrConsul),
            3 => Ok(Self::Transmision),
            _ => Err(SerialFault::Copy),
        }
    }
}

/// Which page of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageOf {
    /// Page, from 1.
    pub page: u16,
    /// Number of pages of the form.
    pub pages: u16,
}

impl fmt::Display for PageOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.page, self.pages)
    }
}

impl FromStr for PageOf {
    type Err = ParseError;

    /// Takes `2/4`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let numbers = text.split_once('/').map(|(page, pages)| (page.parse(), pages.parse()));
        match numbers {
            Some((Ok(page), Ok(pages))) => Ok(Self { page, pages }),
            Some(_) | None => Err(ParseError::PageOf(text.to_owned())),
        }
    }
}

/// The fifteen digits of the Code 39 barcode and of the line under it: `EE KKKKKK C VV PP TT`.
///
/// A serial names the sheet, not the place: kit to mesa needs a table that nobody publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial {
    /// Corporación class, digits 1–2.
    pub class: CorporacionClass,
    /// Kit, digits 3–8: the number in the KIT footer.
    pub kit: u32,
    /// Copy, digit 9.
    pub copy: CopyDigit,
    /// Version of the form, digits 10–11; 01 on every form seen.
    pub version: u8,
    /// Page and pages, digits 12–15.
    pub page_of: PageOf,
}

impl Serial {
    /// Reads fifteen digits (values 0–9, not characters).
    ///
    /// # Errors
    /// The first part that cannot be.
    pub fn from_digits(digits: [u8; 15]) -> Result<Self, SerialFault> {
        if digits.iter().any(|d| *d > 9) {
            return Err(SerialFault::NotDigits);
        }
        Ok(Self {
            class: CorporacionClass::parse(pair(&digits, 0))?,
            kit: digits[2..8].iter().fold(0, |kit, d| kit * 10 + u32::from(*d)),
            copy: CopyDigit::parse(digits[8])?,
            version: pair(&digits, 9),
            page_of: page_of(pair(&digits, 11), pair(&digits, 13))?,
        })
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PageOf { page, pages } = self.page_of;
        write!(
            f,
            "{}{:06}{}{:02}{page:02}{pages:02}",
            self.class,
            self.kit,
            self.copy.digit(),
            self.version
        )
    }
}

impl FromStr for Serial {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        digits(text)
            .and_then(Self::from_digits)
            .map_err(|fault| ParseError::Serial {
                text: text.to_owned(),
                fault,
            })
    }
}

/// What the QR of a 2018 form says in plain digits: `EE DD MMM ZZ PP mmm pg TT C VV`. From 2022 on the QR is encrypted
/// and only serves as a fingerprint of its sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QrPlaintext {
    /// Corporación class.
    pub class: CorporacionClass,
    /// The polling table.
    pub mesa: MesaId,
    /// Page and pages.
    pub page_of: PageOf,
    /// Copy.
    pub copy: CopyDigit,
    /// Version of the form.
    pub version: u8,
}

impl fmt::Display for QrPlaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MesaId {
            departamento,
            municipio,
            zona,
            puesto,
            mesa,
        } = self.mesa;
        let PageOf { page, pages } = self.page_of;
        write!(
            f,
            "{}{departamento}{municipio}{zona}{puesto}{mesa}{page:02}{pages:02}",
            self.class
        )?;
        write!(f, "{}{:02}", self.copy.digit(), self.version)
    }
}

impl FromStr for QrPlaintext {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fault = |fault| ParseError::Qr {
            text: text.to_owned(),
            fault,
        };
        let digits = digits::<21>(text).map_err(fault)?;
        let printed: String = digits.iter().map(|d| char::from(b'0' + d)).collect();
        Ok(Self {
            class: CorporacionClass::parse(pair(&digits, 0)).map_err(fault)?,
            mesa: MesaId {
                departamento: printed[2..4].parse::<DepartamentoCode>()?,
                municipio: printed[4..7].parse::<MunicipioCode>()?,
                zona: printed[7..9].parse::<ZonaCode>()?,
                puesto: printed[9..11].parse::<PuestoCode>()?,
                mesa: printed[11..14].parse::<MesaCode>()?,
            },
            page_of: page_of(pair(&digits, 14), pair(&digits, 16)).map_err(fault)?,
            copy: CopyDigit::parse(digits[18]).map_err(fault)?,
            version: pair(&digits, 19),
        })
    }
}

/// The code printed as `X d-dd-dd-dd X`: the same on every page and copy of one table in one election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ControlCode([u8; 7]);

impl ControlCode {
    /// The corporación's number in its election: tens digit of the last pair, second digit of the serial.
    #[must_use]
    pub fn class_number(self) -> u8 {
        self.0[5]
    }
}

impl fmt::Display for ControlCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h] = self.0;
        write!(f, "{a}-{b}{c}-{d}{e}-{g}{h}")
    }
}

impl FromStr for ControlCode {
    type Err = ParseError;

    /// Takes the code with or without the crosses around it.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = || ParseError::Control(text.to_owned());
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let bare = bare.trim_matches(|c| c == 'X' || c == 'x');
        let groups: Vec<&str> = bare.split('-').collect();
        if groups.iter().map(|g| g.len()).ne([1, 2, 2, 2]) {
            return Err(wrong());
        }
        digits::<7>(&groups.concat()).map(Self).map_err(|_| wrong())
    }
}

/// The digits of a text of exactly `N`, spaces between groups allowed.
fn digits<const N: usize>(text: &str) -> Result<[u8; N], SerialFault> {
    let mut digits = [0; N];
    let mut count = 0;
    for character in text.chars().filter(|c| !c.is_whitespace()) {
        let digit = character
            .to_digit(10)
            .and_then(|d| u8::try_from(d).ok())
            .ok_or(SerialFault::NotDigits)?;
        *digits.get_mut(count).ok_or(SerialFault::Length)? = digit;
        count += 1;
    }
    if count == N {
        Ok(digits)
    } else {
        Err(SerialFault::Length)
    }
}

/// The two-digit number that starts at a position.
fn pair(digits: &[u8], at: usize) -> u8 {
    digits[at] * 10 + digits[at + 1]
}

fn page_of(page: u8, pages: u8) -> Result<PageOf, SerialFault> {
    if page == 0 || page > pages {
        return Err(SerialFault::Page);
    }
    Ok(PageOf {
        page: u16::from(page),
        pages: u16::from(pages),
    })
}
