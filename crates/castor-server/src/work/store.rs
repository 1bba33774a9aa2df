//! Taking a file in: looked over, put into the store, noted with where it comes from.

use super::readers::ReadingProblem;
use crate::config::Service;
use crate::error::{ApiError, ErrorCode};
use crate::objects::ContentHash;
use crate::repo::file::{self, NewFile, Place};
use crate::server::Server;
use axum::body::Bytes;
use castor_ingest::named::named;
use castor_ingest::{FileFacts, FileProblem, Provenance};
use castor_vision::input::InputError;
use metrics::{counter, histogram};
use uuid::Uuid;

/// A file that someone gave.
pub(crate) struct Given {
    pub(crate) bytes: Bytes,
    pub(crate) from: Provenance,
    pub(crate) election: Option<String>,
    pub(crate) account: Option<Uuid>,
}

/// Takes a file in.
///
/// # Errors
/// `INVALID_FILE`, `TOO_LARGE`, `TOO_MANY_PAGES`; those of the store of files and of the database.
pub(crate) async fn keep_file(server: &Server, given: &Given, place: Option<&Place>) -> Result<FileFacts, ApiError> {
    let began = std::time::Instant::now();
    counter!("castor_ingestion_requests_total", "source" => given.from.source.name()).increment(1);
    let kept = keep(server, given, place).await;
    histogram!("castor_ingestion_duration_seconds").record(began.elapsed());
    match &kept {
        Ok(facts) => {
            histogram!("castor_ingestion_file_size_bytes").record(size(facts.bytes));
        }
        Err(error) => {
            counter!("castor_ingestion_errors_total", "code" => error.code().name()).increment(1);
        }
    }
    kept
}

fn size(bytes: u64) -> f64 {
    u32::try_from(bytes).map_or(f64::INFINITY, f64::from)
}

async fn keep(server: &Server, given: &Given, place: Option<&Place>) -> Result<FileFacts, ApiError> {
    let (document, facts) = server.readers.look(&given.from.name, given.bytes.to_vec()).await?;
    drop(document);
    let hash: ContentHash = facts.sha256.parse().map_err(|_| ApiError::internal())?;
    // First the file, then the note: what is noted is there.
    server.objects.put(&hash, given.bytes.clone()).await?;
    let by_name = place.cloned().unwrap_or_else(|| place_of(&given.from.name));
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let new = NewFile {
        facts: &facts,
        from: &given.from,
        election: given.election.as_deref(),
        place: &by_name,
        account: given.account,
    };
    file::insert(&mut transaction, &new).await?;
    transaction.commit().await?;
    Ok(facts)
}

/// What a file's name says of its form.
pub(crate) fn place_of(name: &str) -> Place {
    let Some(form) = named(name) else {
        return Place::default();
    };
    Place {
        departamento: Some(form.mesa.departamento.to_string()),
        municipio: Some(form.mesa.municipio.to_string()),
        zona: Some(form.mesa.zona.to_string()),
        puesto: Some(form.mesa.puesto.to_string()),
        mesa: Some(form.mesa.mesa.to_string()),
        corporacion: form.corporacion.map(|one| one.name().to_owned()),
        copia: None,
    }
}

impl From<ReadingProblem> for ApiError {
    fn from(problem: ReadingProblem) -> Self {
        let text = problem.to_string();
        let code = match &problem {
            ReadingProblem::File(FileProblem::Input(InputError::FileTooLarge { .. })) => ErrorCode::TooLarge,
            ReadingProblem::File(FileProblem::Input(InputError::TooManyPages { .. })) => ErrorCode::TooManyPages,
            ReadingProblem::File(FileProblem::Input(InputError::PdfLibrary { .. })) | ReadingProblem::Runtime(_) => {
                tracing::error!(problem = text, "forms cannot be read here");
                return Self::new(
                    ErrorCode::ReaderUnavailable,
                    "forms cannot be read here now; an administrator finds the reason in the log",
                );
            }
            ReadingProblem::File(_) => ErrorCode::InvalidFile,
            ReadingProblem::Failed | ReadingProblem::TooLong => {
                tracing::error!(problem = text, "the reader failed");
                return Self::internal();
            }
        };
        Self::new(code, text)
    }
}
