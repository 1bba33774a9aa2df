//! The codes that a form prints in its header, as the Registraduría numbers places (not DANE).

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;

/// A code of fixed length in ASCII digits (and capital letters where the code allows them).
macro_rules! printed_code {
    ($(#[$doc:meta])* $name:ident, $length:literal, $item:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Number of characters as printed.
            pub const LENGTH: usize = $length;

            /// The code as printed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            /// Fewer characters than printed are filled with zeros on the left.
            fn from_str(text: &str) -> Result<Self, ParseError> {
                let wrong = || ParseError::Code { item: $item, length: $length, text: text.to_owned() };
                let given = text.trim().as_bytes();
                let start = Self::LENGTH.checked_sub(given.len()).ok_or_else(wrong)?;
                let accepts: fn(u8) -> bool = $accepts;
                if given.is_empty() || !given.iter().copied().all(accepts) {
                    return Err(wrong());
                }
                let mut code = [b'0'; $length];
                code[start..].copy_from_slice(given);
                Ok(Self(code))
            }
        }
    };
}

printed_code!(
    /// Department, two digits: 01 Antioquia, 16 Bogotá, 88 Consulados.
    DepartamentoCode, 2, "departamento", |b| b.is_ascii_digit()
);
printed_code!(
    /// Municipality within its department, or country when the department is 88: three digits.
    MunicipioCode, 3, "municipio", |b| b.is_ascii_digit()
);
printed_code!(
    /// Zona, two digits: 90 puesto censo, 98 prisons, 99 rural.
    ZonaCode, 2, "zona", |b| b.is_ascii_digit()
);
printed_code!(
    /// Puesto within its zona: two digits, or a capital and a digit where a zona has more than ninety-nine (`A1`).
    PuestoCode, 2, "puesto", |b| b.is_ascii_digit() || b.is_ascii_uppercase()
);
printed_code!(
    /// Mesa within its puesto, three digits from 001.
    MesaCode, 3, "mesa", |b| b.is_ascii_digit()
);

impl DepartamentoCode {
    /// CONSULADOS: the "department" whose municipalities are countries.
    pub const CONSULADOS: Self = Self(*b"88");
}

/// Names one polling table of the country: departamento, municipio, zona, puesto and mesa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MesaId {
    /// Department.
    pub departamento: DepartamentoCode,
    /// Municipality or country.
    pub municipio: MunicipioCode,
    /// Zona.
    pub zona: ZonaCode,
    /// Puesto.
    pub puesto: PuestoCode,
    /// Mesa.
    pub mesa: MesaCode,
}

impl fmt::Display for MesaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{}-{}-{}-{}",
            self.departamento, self.municipio, self.zona, self.puesto, self.mesa
        )
    }
}

impl FromStr for MesaId {
    type Err = ParseError;

    /// Takes the five codes joined by hyphens, as they are displayed.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.split('-').collect::<Vec<_>>().as_slice() {
            [departamento, municipio, zona, puesto, mesa] => Ok(Self {
                departamento: departamento.parse()?,
                municipio: municipio.parse()?,
                zona: zona.parse()?,
                puesto: puesto.parse()?,
                mesa: mesa.parse()?,
            }),
            _ => Err(ParseError::Mesa(text.to_owned())),
        }
    }
}
