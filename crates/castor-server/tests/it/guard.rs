//! Every route × every role × no token; tokens that are not ours.

use crate::world::{PASSWORD, Signed, World, send};
use castor_server::Service;
use castor_server::role::{Permission, Role};
use castor_server::route::{Access, Limit, RouteInfo, Rule};
use castor_server::routes;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

fn table() -> Vec<RouteInfo> {
    let mut table = routes(&Service::ALL.into()).table();
    // The page with the document is not in the document.
    table.retain(|route| !route.path.starts_with("/api/docs"));
    table
}

fn path(route: &RouteInfo) -> String {
    let part = |part: &str| {
        if part.starts_with('{') {
            "00000000-0000-7000-8000-000000000000"
        } else {
            part
        }
        .to_owned()
    };
    route.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_admits_the_roles_that_it_declares_and_no_other() {
    let world = World::new().await;
    let mut callers: Vec<(Option<Role>, String)> = vec![(None, String::new())];
    for role in Role::ALL {
        callers.push((Some(role), world.user(role).await.access));
    }
    let mut wrong = Vec::new();
    let routes = table();
    assert!(routes.len() > 20, "the table is not whole: {}", routes.len());
    for route in &routes {
        for (role, token) in &callers {
            // Signing out would end the callers' sessions; what it asks is asked of the others that are signed in.
            let ends = ["/api/auth/logout", "/api/auth/logout-all"].contains(&route.path.as_str());
            if (ends && role.is_some()) || route.path == "/api/events" && role.is_some() {
                continue;
            }
            let mut request = world.request(route.method.clone(), &path(route));
            if !token.is_empty() {
                request = request.bearer_auth(token);
            }
            let answer = send(request).await;
            let expected = match (route.rule.access, role) {
                (Access::Public, _) => "in",
                (_, None) => "UNAUTHENTICATED",
                (Access::SignedIn, Some(_)) => "in",
                (Access::Needs(permission), Some(role)) if role.may(permission) => "in",
                (Access::NeedsBoth(one, other), Some(role)) if role.may(one) && role.may(other) => "in",
                (Access::Needs(_) | Access::NeedsBoth(..), Some(_)) => "FORBIDDEN",
            };
            let got = match answer.body["error"]["code"].as_str() {
                Some(code @ ("UNAUTHENTICATED" | "FORBIDDEN")) if expected != "in" || code == "FORBIDDEN" => {
                    code.to_owned()
                }
                // A public route may refuse a refresh token that is missing, not the caller.
                Some("UNAUTHENTICATED") if route.rule.access != Access::Public => "UNAUTHENTICATED".to_owned(),
                _ => "in".to_owned(),
            };
            if got != expected || answer.status >= 500 {
                wrong.push(format!(
                    "{} {} as {role:?}: {got} ({}), not {expected}",
                    route.method, route.path, answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_changes_accounts_or_shows_leads_is_for_administrators() {
    let administer = Rule {
        access: Access::Needs(Permission::Administer),
        limit: Limit::Work,
    };
    let guarded = |route: &&RouteInfo| {
        route.path.starts_with("/api/users")
            || route.path.starts_with("/api/sessions")
            || route.path.starts_with("/api/leads") && route.path != "/api/leads/demo-request"
    };
    let table = table();
    assert_eq!(
        table
            .iter()
            .filter(guarded)
            .filter(|route| route.rule != administer)
            .count(),
        0
    );
    assert_eq!(table.iter().filter(guarded).count(), 15);
    let may: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| role.may(Permission::Administer))
        .collect();
    assert_eq!(may, [Role::Admin]);
}

#[test]
fn what_takes_the_audit_log_out_needs_both_permissions() {
    let both = Access::NeedsBoth(Permission::ViewAudit, Permission::ExportData);
    for (path, access) in [
        ("/api/audit", Access::Needs(Permission::ViewAudit)),
        ("/api/audit/export", both),
        ("/api/e14/audit", Access::Needs(Permission::ViewAudit)),
        ("/api/e14/audit/export", both),
    ] {
        let route = table().into_iter().find(|route| route.path == path).unwrap();
        assert_eq!(route.rule.access, access, "{path}");
    }
    let may: Vec<Role> = Role::ALL.into_iter().filter(|role| both.admits(*role)).collect();
    assert_eq!(
        may,
        [Role::Admin, Role::Auditor],
        "an analyst takes data out, not the log"
    );
}

/// The handbook's table of limits, and the routes themselves.
#[test]
fn the_handbook_says_which_routes_have_which_limit() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let handbook = std::fs::read_to_string(root.join("docs/SERVER.md")).unwrap();
    for (limit, variable) in [
        (Limit::Auth, "RATE_LIMIT_AUTH"),
        (Limit::Read, "RATE_LIMIT_READ"),
        (Limit::Default, "RATE_LIMIT_DEFAULT"),
        (Limit::None, "none"),
    ] {
        let head = format!("| `{variable}` |");
        let mut rows = handbook.lines().filter(|line| line.starts_with(&head));
        let row = rows.next_back().unwrap_or_else(|| panic!("{variable} has no row"));
        let mut told: Vec<&str> = row.split('`').filter(|text| text.starts_with('/')).collect();
        let mut routes: Vec<String> = table()
            .into_iter()
            .filter(|route| route.rule.limit == limit)
            .map(|route| route.path)
            .collect();
        told.sort_unstable();
        routes.sort();
        routes.dedup();
        assert_eq!(told, routes, "{variable}");
    }
}

#[test]
fn permissions_are_those_of_the_table() {
    use Permission as P;
    let validator = [
        P::ViewResults,
        P::ViewStats,
        P::ProcessE14,
        P::UploadE14,
        P::ValidateE14,
        P::CorrectE14,
    ];
    for (role, permissions) in [
        (Role::Viewer, &validator[..2]),
        (Role::Operator, &validator[..4]),
        (Role::Validator, &validator[..]),
        (
            Role::Auditor,
            &[P::ViewResults, P::ViewStats, P::ViewAudit, P::ExportData],
        ),
        (Role::Admin, &P::ALL),
    ] {
        assert_eq!(role.permissions(), permissions, "{role:?}");
    }
}

/// The world's own signing key.
fn key(world: &World) -> SigningKey {
    let pem = std::fs::read_to_string(world.data.path().join("keys/jwt.pem")).unwrap();
    SigningKey::from_pkcs8_pem(&pem).unwrap()
}

fn ed(key: &SigningKey) -> EncodingKey {
    EncodingKey::from_ed_der(key.to_pkcs8_der().unwrap().as_bytes())
}

fn claims(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims
}

async fn world_and_validator() -> (World, Signed) {
    let world = World::new().await;
    let signed = world.user(Role::Validator).await;
    (world, signed)
}

#[tokio::test]
async fn only_a_token_signed_by_our_key_with_our_algorithm_opens_anything() {
    let (world, signed) = world_and_validator().await;
    let good = claims(&signed.access);
    let kid = jsonwebtoken::decode_header(&signed.access).unwrap().kid;
    let ours = key(&world);
    let named = |algorithm, kid: Option<&str>| Header {
        kid: kid.map(str::to_owned),
        ..Header::new(algorithm)
    };
    let with = |change: Value| {
        let mut claims = good.clone();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let sign = |claims: &Value| encode(&named(Algorithm::EdDSA, kid.as_deref()), claims, &ed(&ours)).unwrap();
    let stranger = SigningKey::from_bytes(&[7; 32]);
    let public = ours.verifying_key().to_bytes();
    let jwks = send(world.request(Method::GET, "/api/auth/jwks")).await.body;
    let x = jwks["keys"][0]["x"].as_str().unwrap();
    let hmac = |secret: &[u8]| {
        encode(
            &named(Algorithm::HS256, kid.as_deref()),
            &good,
            &EncodingKey::from_secret(secret),
        )
        .unwrap()
    };
    let parts: Vec<&str> = signed.access.split('.').collect();
    // {"alg":"none","typ":"JWT"} and the same with the key's name left in.
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let swapped = format!(
        "{}.{}.{}",
        parts[0],
        sign(&with(json!({ "role": "ADMIN" }))).split('.').nth(1).unwrap(),
        parts[2]
    );
    assert_eq!(
        world.get("/api/auth/me", &sign(&good)).await.status,
        200,
        "what the others are compared with"
    );
    let cases = [
        ("alg none", none),
        ("HMAC with the public key", hmac(&public)),
        ("HMAC with the published x", hmac(x.as_bytes())),
        (
            "a stranger's key under our name",
            encode(&named(Algorithm::EdDSA, kid.as_deref()), &good, &ed(&stranger)).unwrap(),
        ),
        (
            "an unknown name",
            encode(&named(Algorithm::EdDSA, Some("../../dev/null")), &good, &ed(&ours)).unwrap(),
        ),
        (
            "no name",
            encode(&named(Algorithm::EdDSA, None), &good, &ed(&ours)).unwrap(),
        ),
        ("claims exchanged", swapped),
        ("ended", sign(&with(json!({ "exp": 1_600_000_000 })))),
        ("of another maker", sign(&with(json!({ "iss": "someone" })))),
        ("of another kind", sign(&with(json!({ "type": "refresh" })))),
        (
            "of a session that is not the user's",
            sign(&with(json!({ "sub": "00000000-0000-7000-8000-000000000000" }))),
        ),
        ("the refresh token", signed.refresh.clone()),
        ("nonsense", "a.b.c".to_owned()),
    ];
    for (case, token) in cases {
        assert_eq!(
            world.get("/api/auth/me", &token).await.code(),
            "UNAUTHENTICATED",
            "{case}"
        );
        let validity = world
            .post("/api/auth/validate", "", json!({ "token": token }))
            .await
            .data();
        assert_eq!(validity, json!({ "valid": false }), "{case}");
    }
}

#[tokio::test]
async fn a_role_in_the_token_is_not_believed_where_the_accounts_are() {
    let (world, signed) = world_and_validator().await;
    let mut claims = claims(&signed.access);
    claims["role"] = json!("ADMIN");
    let kid = jsonwebtoken::decode_header(&signed.access).unwrap().kid;
    let token = encode(
        &Header {
            kid,
            ..Header::new(Algorithm::EdDSA)
        },
        &claims,
        &ed(&key(&world)),
    )
    .unwrap();
    assert_eq!(world.get("/api/users", &token).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn the_signing_key_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let mode = std::fs::metadata(world.data.path().join("keys/jwt.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn text_with_sql_in_it_is_text() {
    let world = World::new().await;
    let admin = world.user(Role::Admin).await;
    let texts = [
        "' OR '1'='1",
        "'; DROP TABLE users; --",
        "\\'; SELECT pg_sleep(5); --",
        "$1",
        "%' UNION SELECT password_hash FROM users --",
    ];
    for text in texts {
        assert_eq!(world.login(text, text).await.code(), "INVALID_CREDENTIALS", "{text}");
        let lead = json!({ "first_name": text, "last_name": text, "email": format!("a{}@example.org", text.len()), "phone": "3001234567",
                           "interest": "otro", "location": text });
        assert_eq!(
            world.post("/api/leads/demo-request", "", lead).await.status,
            201,
            "{text}"
        );
        let url = reqwest::Url::parse_with_params(&format!("{}/api/leads", world.url), [("status", text)]).unwrap();
        let answer = send(world.client.get(url).bearer_auth(&admin.access)).await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{text}");
    }
    let leads = world.get("/api/leads", &admin.access).await.data();
    let names: Vec<&str> = leads
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|lead| lead["first_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, texts);
    assert_eq!(world.login(&admin.email, PASSWORD).await.status, 200);
}
