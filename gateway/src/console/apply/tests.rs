//! What is refused before anybody is asked, what the API server is asked with, and what is told of its answers.

use std::convert::Infallible;
use std::sync::Arc;

use fairlead_console::view::build::FormTarget;
use fairlead_console::{Reach, Rights};
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use parking_lot::Mutex;

use super::*;

const TOKEN: &str = "eyJhbGciOiJub25lIn0.e30.c2ln";

fn form(namespace: &str, name: &str) -> Form {
    Form {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        models: vec!["chat".to_owned()],
        targets: vec![FormTarget {
            provider: "sim".to_owned(),
            ..FormTarget::default()
        }],
        ..Form::default()
    }
}

/// What is asked with for a form that was shown when this was there.
fn asked(form: Form, live: Option<&Value>, version: Option<&str>) -> Apply {
    Apply {
        seen: digest(&yaml(&ruled(live, &form, "default")).unwrap()),
        form,
        version: version.map(str::to_owned),
        dry_run: false,
    }
}

fn live(labels: &Value, spec: &Value) -> Objects {
    let object = json!({
        "apiVersion": "fairlead.dev/v1alpha1", "kind": KIND, "spec": spec,
        "metadata": {"namespace": "search", "name": "chat", "uid": "u", "generation": 3, "labels": labels, "finalizers": ["keep"]},
    });
    Objects::of_rules(vec![serde_json::from_value(object).unwrap()])
}

fn draft(objects: &Objects, asked: &Apply) -> Result<Draft, Trouble> {
    drafted(
        objects,
        "default",
        &ObjectName::new("search", "chat"),
        asked,
    )
}

#[tokio::test]
async fn what_is_sent_is_the_rule_that_was_shown_and_nothing_of_what_others_wrote_beside_it() {
    let none = Objects::of_rules(Vec::new());
    let made = draft(&none, &asked(form("search", "chat"), None, None)).unwrap();
    assert!(made.live.is_none());
    assert_eq!(
        made.wanted["metadata"],
        json!({"namespace": "search", "name": "chat"})
    );
    assert_eq!(
        (&made.wanted["apiVersion"], &made.wanted["kind"]),
        (&json!("fairlead.dev/v1alpha1"), &json!("RoutingRule"))
    );

    let spec = json!({"priority": 7, "traits": {"kept": true}});
    let there = live(&json!({"team": "web"}), &spec);
    let name = ObjectName::new("search", "chat");
    let document = there.get(KIND, &name).unwrap().document.clone().unwrap();
    let asked = asked(form("search", "chat"), Some(&document.value), Some("u.3"));
    let made = draft(&there, &asked).unwrap();
    assert_eq!(
        made.wanted["metadata"],
        json!({"namespace": "search", "name": "chat"})
    );
    // What the form does not know stays.
    assert_eq!(made.wanted["spec"]["traits"], spec["traits"]);
    assert_eq!(made.generation, 3);
}

#[tokio::test]
async fn what_is_not_as_it_was_shown_is_not_written() {
    let there = live(&json!({}), &json!({"priority": 7}));
    let name = ObjectName::new("search", "chat");
    let document = there.get(KIND, &name).unwrap().document.clone().unwrap();
    let good = asked(form("search", "chat"), Some(&document.value), Some("u.3"));
    assert!(draft(&there, &good).is_ok());
    for bad in [
        Apply {
            version: None,
            ..good.clone()
        },
        Apply {
            version: Some("u.2".to_owned()),
            ..good.clone()
        },
        Apply {
            version: Some("other.3".to_owned()),
            ..good.clone()
        },
        Apply {
            seen: String::new(),
            ..good.clone()
        },
        Apply {
            form: Form {
                priority: Some(1),
                ..good.form.clone()
            },
            ..good.clone()
        },
    ] {
        let refused = draft(&there, &bad).err();
        assert!(matches!(refused, Some(Trouble::Conflict(_))), "{bad:?}");
    }
    // Of another installation, and too long.
    let refused = drafted(&there, "other", &name, &good).err();
    assert!(matches!(refused, Some(Trouble::Bad(_))));
    let none = Objects::of_rules(Vec::new());
    let long = Form {
        when: "x".repeat(LONGEST),
        ..form("search", "chat")
    };
    let refused = draft(&none, &asked(long, None, None)).err();
    assert!(matches!(refused, Some(Trouble::Bad(_))));
}

#[tokio::test]
async fn a_new_rule_is_of_the_installation_that_the_console_is_of() {
    let none = Objects::of_rules(Vec::new());
    let form = form("search", "chat");
    let name = ObjectName::new("search", "chat");
    let asked = Apply {
        seen: digest(&yaml(&ruled(None, &form, "other")).unwrap()),
        ..asked(form, None, None)
    };
    let made = drafted(&none, "other", &name, &asked).unwrap();
    assert_eq!(made.wanted["spec"]["gatewayName"], "other");
    // What was shown by another one is not what would be written.
    let refused = draft(&none, &asked).err();
    assert!(matches!(refused, Some(Trouble::Conflict(_))));
}

#[tokio::test]
async fn what_a_tool_keeps_is_left_to_it() {
    let there = live(
        &json!({"kustomize.toolkit.fluxcd.io/name": "apps"}),
        &json!({}),
    );
    let name = ObjectName::new("search", "chat");
    let document = there.get(KIND, &name).unwrap().document.clone().unwrap();
    let refused = draft(
        &there,
        &asked(form("search", "chat"), Some(&document.value), Some("u.3")),
    );
    let Err(Trouble::Conflict(words)) = refused else {
        panic!("it is taken");
    };
    assert!(
        words.contains("the Kustomization \"apps\" of Flux"),
        "{words}"
    );
}

#[test]
fn nothing_but_names_gets_into_a_path() {
    assert!(named(&form("search", "chat.v2-1")).is_ok());
    let long = "a".repeat(254);
    for (namespace, name) in [
        ("", "chat"),
        ("search", ""),
        ("search", "../secrets/x"),
        ("search", "chat/status"),
        ("search/../kube-system", "chat"),
        ("search", "chat?force=true"),
        ("search", "Chat"),
        ("search", "-chat"),
        ("search", "chat\nmetadata: {}"),
        ("se.arch", "chat"),
        ("search", &long),
    ] {
        let refused = named(&form(namespace, name));
        assert!(
            matches!(refused, Err(Trouble::Bad(_))),
            "{namespace} {name}"
        );
    }
}

#[test]
fn a_body_that_is_no_form_is_none() {
    for bad in [
        json!({"kind": "Secret", "form": {}, "seen": ""}),
        json!({"form": {"kind": "ClusterRole"}, "seen": ""}),
        json!({"form": {}, "seen": "", "force": true}),
        json!({"yaml": "kind: Secret", "form": {}, "seen": ""}),
    ] {
        assert!(
            serde_json::from_value::<Apply>(bad.clone()).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn who_came_with_a_token_for_the_console_alone_is_told_what_to_do() {
    let viewer = |acts: bool| {
        let mut identity = Identity::new("jane".to_owned(), TOKEN.to_owned());
        identity.acts = acts;
        let rights = Rights {
            apply: acts,
            ..Rights::to_see(&Reach::All)
        };
        Viewer::with("jane", rights, Some(Arc::new(identity)))
    };
    assert!(acting(&viewer(true)).is_ok());
    let why = acting(&viewer(false)).unwrap_err();
    assert!(
        why.contains("kubectl create token") && why.contains("OpenID Connect"),
        "{why}"
    );
    assert!(acting(&Viewer::of_everything("operator")).is_err());
}

/// What the API server was asked.
type Heard = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A writer before an API server that says this.
fn writer(status: StatusCode, body: &Value) -> (Writer, Heard) {
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let said = body.to_string();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (heard, said) = (Arc::clone(&hears), said.clone());
        async move {
            let (head, body) = request.into_parts();
            let bearer = head.headers[AUTHORIZATION].to_str().unwrap().to_owned();
            assert!(head.headers[AUTHORIZATION].is_sensitive());
            let body = body.collect().await.unwrap().to_bytes();
            let asked = format!("{} {}", head.method, head.uri);
            heard
                .lock()
                .push((asked, bearer, serde_json::from_slice(&body).unwrap()));
            let answer = Response::builder()
                .status(status)
                .header("warning", "299 - \"mind \\\"this\\\"\"");
            Ok::<_, Infallible>(answer.body(Body::from(said.into_bytes())).unwrap())
        }
    });
    (
        Writer::by(ApplyMode::On, kube::Client::new(service, "own")),
        heard,
    )
}

fn jane() -> Identity {
    Identity::new("jane".to_owned(), TOKEN.to_owned())
}

#[tokio::test]
async fn the_request_is_the_viewers_and_is_never_forced() {
    let object = json!({"metadata": {"generation": 4}});
    let (writer, heard) = writer(StatusCode::OK, &object);
    let name = ObjectName::new("search", "chat");
    let wanted = json!({"kind": KIND});
    let tried = writer
        .send(&jane(), &name, &wanted, true)
        .await
        .unwrap()
        .wrote()
        .unwrap();
    let told = tried.told(&name, 3, true);
    assert_eq!(
        (told.generation, told.created, told.waits),
        (4, false, false)
    );
    assert_eq!(told.warnings, ["mind \"this\""]);
    writer.send(&jane(), &name, &wanted, false).await.unwrap();
    let heard = heard.lock();
    let path = "/apis/fairlead.dev/v1alpha1/namespaces/search/routingrules/chat?";
    for ((asked, bearer, body), dry_run) in heard.iter().zip([true, false]) {
        assert!(
            asked.contains(path) && asked.starts_with("PATCH"),
            "{asked}"
        );
        assert!(
            asked.contains("fieldManager=fairlead-console")
                && asked.contains("fieldValidation=Strict"),
            "{asked}"
        );
        assert!(
            !asked.contains("force") && asked.contains("dryRun=All") == dry_run,
            "{asked}"
        );
        assert_eq!(
            (bearer.as_str(), body),
            (&*format!("Bearer {TOKEN}"), &wanted)
        );
    }
    assert_eq!(heard.len(), 2);
}

#[tokio::test]
async fn a_conflict_names_whose_the_field_is() {
    let causes = json!([{"reason": "FieldManagerConflict", "message": "conflict with \"argocd-controller\" using fairlead.dev/v1alpha1", "field": ".spec.priority"}]);
    let status = json!({"kind": "Status", "code": 409, "message": "Apply failed with 1 conflict", "reason": "Conflict", "details": {"causes": causes}});
    let said = trouble(StatusCode::CONFLICT, &status).await;
    let Trouble::Conflict(words) = said else {
        panic!("{said:?}");
    };
    assert!(
        words.contains("spec.priority is Argo CD's (argocd-controller)"),
        "{words}"
    );
}

#[tokio::test]
async fn a_refusal_is_told_in_the_api_servers_own_words() {
    let status = |code: u16| json!({"kind": "Status", "code": code, "message": "jane cannot patch", "reason": "x"});
    let said = trouble(StatusCode::FORBIDDEN, &status(403)).await;
    assert!(
        matches!(&said, Trouble::Forbidden(words) if words.contains("jane cannot patch")),
        "{said:?}"
    );
    let said = trouble(StatusCode::UNAUTHORIZED, &status(401)).await;
    assert!(
        matches!(&said, Trouble::Forbidden(words) if words.contains("sign out")),
        "{said:?}"
    );
    let said = trouble(StatusCode::UNPROCESSABLE_ENTITY, &status(422)).await;
    assert!(
        matches!(&said, Trouble::Bad(words) if words.contains("jane cannot patch")),
        "{said:?}"
    );
    let said = trouble(StatusCode::BAD_GATEWAY, &json!("<html>")).await;
    assert!(matches!(said, Trouble::Unavailable(_)), "{said:?}");
}

async fn trouble(status: StatusCode, body: &Value) -> Trouble {
    let (writer, _) = writer(status, body);
    let name = ObjectName::new("search", "chat");
    let said = writer.send(&jane(), &name, &json!({}), true).await.unwrap();
    said.wrote().unwrap_err()
}

#[test]
fn what_was_made_or_deleted_meanwhile_is_not_written_over() {
    let draft = |live: Option<Value>| Draft {
        wanted: json!({"spec": {}}),
        live,
        generation: 0,
    };
    let answer = |status: u16| {
        let response = Response::builder().status(status).body(()).unwrap();
        Answer::read(&response.into_parts().0, br#"{"spec": {}}"#)
    };
    assert!(wrote(answer(201), &draft(None)).is_ok());
    assert!(wrote(answer(200), &draft(Some(json!({"spec": {}})))).is_ok());
    assert!(matches!(
        wrote(answer(200), &draft(None)),
        Err(Trouble::Conflict(_))
    ));
    assert!(matches!(
        wrote(answer(201), &draft(Some(json!({})))),
        Err(Trouble::Conflict(_))
    ));
}
