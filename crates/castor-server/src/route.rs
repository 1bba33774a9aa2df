//! Routes as data: what a route is, who may use it and how often stand in one place, and the guard, the OpenAPI document
//! and the test over every route all follow from it.

use crate::error::Failure;
use crate::guard::guard;
use crate::role::{Permission, Role};
use crate::server::Server;
use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, OpenApi, OpenApiBuilder, Ref, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Anyone with an account.
    SignedIn,
    /// Roles with this permission.
    Needs(Permission),
    /// Roles with both permissions.
    NeedsBoth(Permission, Permission),
}

impl Access {
    /// Whether an account with this role may use it.
    #[must_use]
    pub fn admits(self, role: Role) -> bool {
        match self {
            Self::Public | Self::SignedIn => true,
            Self::Needs(one) => role.may(one),
            Self::NeedsBoth(one, other) => role.may(one) && role.may(other),
        }
    }
}

/// How often a route may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// `RATE_LIMIT_DEFAULT`.
    Default,
    /// `RATE_LIMIT_AUTH`.
    Auth,
    /// `RATE_LIMIT_WORK`.
    Work,
    /// `RATE_LIMIT_READ`, each route by itself.
    Read,
    /// Probes and figures.
    None,
}

impl Limit {
    /// As written in keys and figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Auth => "auth",
            Self::Work => "work",
            Self::Read => "read",
            Self::None => "none",
        }
    }
}

/// What the guard of a route asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Who.
    pub access: Access,
    /// How often.
    pub limit: Limit,
}

/// One route of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// Its method.
    pub method: Method,
    /// Its path with `{…}` for variable parts.
    pub path: String,
    /// Its rule.
    pub rule: Rule,
}

/// Routes with their rules.
#[derive(Default)]
pub struct Routes {
    entries: Vec<(Rule, UtoipaMethodRouter<Server>)>,
}

impl Routes {
    /// No route.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds handlers of one path, as `routes!` collects them, under one rule.
    #[must_use]
    pub fn add(mut self, access: Access, limit: Limit, handlers: UtoipaMethodRouter<Server>) -> Self {
        self.entries.push((Rule { access, limit }, handlers));
        self
    }

    /// Adds the routes of another noun.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// Every route with its rule.
    #[must_use]
    pub fn table(&self) -> Vec<RouteInfo> {
        let mut table = Vec::new();
        for (rule, (_, paths, _)) in &self.entries {
            for (path, item) in &paths.paths {
                let methods = operations(item).into_iter().map(|(method, _)| method);
                table.extend(methods.map(|method| RouteInfo {
                    method,
                    path: path.clone(),
                    rule: *rule,
                }));
            }
        }
        table
    }

    /// The router with each route behind its guard, and the document.
    pub fn build(self, server: &Server) -> (Router<Server>, OpenApi) {
        let mut router = OpenApiRouter::with_openapi(document());
        for (rule, (schemas, mut paths, handlers)) in self.entries {
            for item in paths.paths.values_mut() {
                describe(item, rule);
            }
            let handlers = handlers.layer(from_fn_with_state((server.clone(), rule), guard));
            router = router.routes((schemas, paths, handlers));
        }
        router.split_for_parts()
    }

    /// The document alone, for the committed file and its test.
    #[must_use]
    pub fn openapi(self) -> OpenApi {
        let mut router = OpenApiRouter::<Server>::with_openapi(document());
        for (rule, (schemas, mut paths, handlers)) in self.entries {
            for item in paths.paths.values_mut() {
                describe(item, rule);
            }
            router = router.routes((schemas, paths, handlers));
        }
        router.into_openapi()
    }
}

fn operations(item: &PathItem) -> Vec<(Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
        (Method::HEAD, &item.head),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
        .collect()
}

/// Writes the rule and what every route may answer into the document.
fn describe(item: &mut PathItem, rule: Rule) {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
        &mut item.head,
    ];
    for operation in all.into_iter().flatten() {
        let needs = match rule.access {
            Access::Public => None,
            Access::SignedIn => Some("Needs an account.".to_owned()),
            Access::Needs(permission) => Some(format!("Needs the permission {permission:?}.")),
            Access::NeedsBoth(one, other) => Some(format!("Needs the permissions {one:?} and {other:?}.")),
        };
        if let Some(needs) = needs {
            operation.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
            operation.description = Some(match operation.description.take() {
                Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
                _ => needs,
            });
        }
        let failure = ResponseBuilder::new()
            .description("What went wrong, by its code")
            .content("application/json", Content::new(Some(Ref::from_schema_name("Failure"))))
            .build();
        operation
            .responses
            .responses
            .entry("default".to_owned())
            .or_insert_with(|| failure.into());
    }
}

fn document() -> OpenApi {
    let info = utoipa::openapi::InfoBuilder::new()
        .title("CASTOR")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Accounts, leads, E-14 forms, queue, review and sync. Every answer is {ok, data} or {ok, error}.",
        ))
        .build();
    let mut components = Components::new();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut schemas = vec![(Failure::name().into_owned(), Failure::schema())];
    Failure::schemas(&mut schemas);
    components.schemas.extend(schemas);
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}
