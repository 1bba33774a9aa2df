//! Files of forms for tests: drawn ones, and pages with nothing on them that take no time to read.

use crate::world::{Answer, World, send};
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use reqwest::Method;
use std::sync::OnceLock;

/// A presidential form of one page with a clear hand.
pub(crate) fn drawn() -> &'static [u8] {
    static DRAWN: OnceLock<Vec<u8>> = OnceLock::new();
    DRAWN.get_or_init(|| draw(7, Family::Presidente2022))
}

pub(crate) fn draw(seed: u64, family: Family) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let form = Form::sample(seed, family, &Options::default()).unwrap().named("acta");
    write_form(folder.path(), &form, Scan::bitonal_300()).unwrap();
    std::fs::read(folder.path().join("forms/acta.pdf")).unwrap()
}

/// A picture of nothing, another one for each number: quick to read, and nothing is found on it.
pub(crate) fn page(number: u8) -> Vec<u8> {
    let dots = image::GrayImage::from_fn(120, 120, |x, y| {
        let seed = (x * 120 + y + 1)
            .wrapping_mul(2_654_435_761)
            .wrapping_add(u32::from(number) * 40_503);
        let noise = (seed ^ seed >> 13).wrapping_mul(1_274_126_177) % 251;
        image::Luma([u8::try_from(noise).unwrap()])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    dots.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// A form of the web with a file and other fields.
pub(crate) fn multipart(file: Option<(&str, &[u8])>, fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
        );
    }
    if let Some((name, bytes)) = file {
        let head = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    ("multipart/form-data; boundary=limit".to_owned(), body)
}

impl World {
    /// Sends a file.
    pub(crate) async fn upload(
        &self,
        path: &str,
        token: &str,
        name: &str,
        bytes: &[u8],
        fields: &[(&str, &str)],
    ) -> Answer {
        let (kind, body) = multipart(Some((name, bytes)), fields);
        let request = self.request(Method::POST, path).bearer_auth(token);
        send(request.header("content-type", kind).body(body)).await
    }
}
