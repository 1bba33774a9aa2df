//! Files of forms for tests: drawn ones, and pages with nothing on them that take no time to read.

use crate::world::{Answer, World, send};
use castor_testkit::corpus::write_form;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use castor_vision::input::{Document, Limits};
use reqwest::Method;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::JoinHandle;

/// A presidential form of one page with a clear hand.
pub(crate) fn drawn() -> &'static [u8] {
    static DRAWN: OnceLock<Vec<u8>> = OnceLock::new();
    DRAWN.get_or_init(|| draw(7, Family::Presidente2022))
}

/// One in which the reader doubts nothing; where another model does, another number will do.
pub(crate) fn clear() -> Vec<u8> {
    let options = Options {
        overwritten: 0.0,
        arithmetic_error: 0.0,
        blank_total: 0.0,
        abroad: Some(false),
        habit: None,
    };
    draw_with(24, Family::Presidente2022, &options)
}

pub(crate) fn draw(seed: u64, family: Family) -> Vec<u8> {
    draw_with(seed, family, &Options::default())
}

fn draw_with(seed: u64, family: Family, options: &Options) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let form = Form::sample(seed, family, options).unwrap().named("acta");
    write_form(folder.path(), &form, Scan::bitonal_300()).unwrap();
    std::fs::read(folder.path().join("forms/acta.pdf")).unwrap()
}

/// The pages of a drawn form, a picture each.
pub(crate) fn pages(seed: u64, family: Family) -> Vec<Vec<u8>> {
    let document = Document::from_bytes(Path::new("acta"), draw(seed, family), &Limits::default()).unwrap();
    let page = |number| {
        let mut png = std::io::Cursor::new(Vec::new());
        let gray = document.page(number).unwrap().gray;
        gray.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    };
    (1..=document.page_count()).map(page).collect()
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

const CONTINUE: &[u8; 25] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A file that is begun and then sent byte by byte, without end. It is begun when the server waits for its bytes: a place is
/// taken by then.
pub(crate) struct Trickle {
    answer: OwnedReadHalf,
    sends: JoinHandle<()>,
}

impl Trickle {
    pub(crate) async fn begin(world: &World, token: &str, file: &[u8], pause: Duration) -> Self {
        let stream = TcpStream::connect(world.url.strip_prefix("http://").unwrap())
            .await
            .unwrap();
        let (mut answer, mut request) = stream.into_split();
        let head = format!(
            "POST /api/e14/process HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000000\r\n\
             Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=limit\r\n\r\n"
        );
        request.write_all(head.as_bytes()).await.unwrap();
        let mut told = [0; CONTINUE.len()];
        answer.read_exact(&mut told).await.unwrap();
        assert_eq!(told, *CONTINUE);
        let part = "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"acta.pdf\"\r\n\r\n".as_bytes();
        request.write_all(&[part, file].concat()).await.unwrap();
        let sends = tokio::spawn(async move {
            while request.write_all(b"x").await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        });
        Self { answer, sends }
    }

    pub(crate) async fn answer(mut self) -> String {
        let mut answer = vec![0; 4_096];
        let length = tokio::time::timeout(Duration::from_secs(90), self.answer.read(&mut answer))
            .await
            .unwrap()
            .unwrap();
        self.sends.abort();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }
}
