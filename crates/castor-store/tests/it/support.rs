//! Forms and events that the tests share.

use castor_domain::form::Copia;
use castor_domain::header::Source;
use castor_domain::serial::PageOf;
use castor_store::NewEvent;
pub(crate) use castor_testkit::review::{begun, event, says};
use castor_testkit::review::{begun_with, form};

/// A form that says of itself that it is this page of one table's copy.
pub(crate) fn placed(id: u128, page: u16) -> Vec<NewEvent> {
    let mut form = form();
    let header = &mut form.header;
    header
        .departamento
        .add(Source::PrintedText, "01".parse().unwrap(), 0.99, 1);
    header
        .municipio
        .add(Source::PrintedText, "280".parse().unwrap(), 0.99, 1);
    header.zona.add(Source::PrintedText, "03".parse().unwrap(), 0.99, 1);
    header.puesto.add(Source::PrintedText, "01".parse().unwrap(), 0.99, 1);
    header.mesa.add(Source::PrintedText, "001".parse().unwrap(), 0.99, 1);
    header.copia.add(Source::PrintedText, Copia::Claveros, 0.99, 1);
    form.pages[0]
        .page_of
        .add(Source::PrintedText, PageOf { page, pages: 2 }, 0.99, 1);
    begun_with(id, form)
}
