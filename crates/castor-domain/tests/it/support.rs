//! Boxes and policies that the tests share.

use castor_domain::grammar::ReviewPolicy;
use castor_domain::symbol::{BoxReading, SYMBOL_CLASSES, Symbol};

/// Thresholds as a model's card states them; the values matter to no test.
pub(crate) const POLICY: ReviewPolicy = ReviewPolicy {
    threshold: 0.9,
    overwritten_threshold: 0.5,
    cross_threshold: 0.5,
};

/// A box in which the given symbols have the given probabilities.
pub(crate) fn seen(symbols: &[(Symbol, f32)]) -> BoxReading {
    let mut probabilities = [0.0; SYMBOL_CLASSES];
    for (symbol, p) in symbols {
        probabilities[symbol.class()] += p;
    }
    BoxReading {
        probabilities,
        cross: 0.0,
        overwritten: 0.0,
    }
}

/// A box that is surely one symbol.
pub(crate) fn sure(symbol: Symbol) -> BoxReading {
    seen(&[(symbol, 1.0)])
}

/// The symbol of one character: a digit, `*` filler, `_` blank.
pub(crate) fn symbol(c: char) -> Symbol {
    match c {
        '*' => Symbol::Filler,
        '_' => Symbol::Blank,
        d => Symbol::Digit(u8::try_from(d.to_digit(10).unwrap()).unwrap()),
    }
}

/// Three symbols of three characters.
pub(crate) fn marks(text: &str) -> [Symbol; 3] {
    let symbols: Vec<Symbol> = text.chars().map(symbol).collect();
    symbols.try_into().unwrap()
}
