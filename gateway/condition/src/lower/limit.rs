//! `budget.LEVEL.MEMBER`, `rate.LEVEL["NAME"].MEMBER`, `request.estimate.MEMBER` and `request.needs.MEMBER`: all of such a name is known here, so that a slip in it is
//! an error and not a limit that nobody has.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use crate::ConditionError;
use crate::limit::{Level, Limit, Member, Meter, is_name};
use crate::need::Need;
use crate::node::{Fact, Node};

/// What `operand.field` names; `None`: nothing of this kind.
pub(super) fn named(operand: &IdedExpr, field: &str) -> Result<Option<Node>, ConditionError> {
    if let Some(("request", "estimate")) = path(operand) {
        let fact = match field {
            "inputTokens" => Fact::InputTokens,
            "costUsd" => Fact::Cost,
            _ => return Err(unknown(format!("request.estimate.{field}"))),
        };
        return Ok(Some(Node::Fact(fact)));
    }
    if let Some(("request", "needs")) = path(operand) {
        let need = Need::named(field).ok_or_else(|| unknown(format!("request.needs.{field}")))?;
        return Ok(Some(Node::Fact(Fact::Needs(need))));
    }
    if let Expr::Ident(root) = &operand.expr {
        let of_request = root == "request" && matches!(field, "estimate" | "needs");
        let begins = Meter::named(root).is_some() || of_request;
        return if begins {
            Err(unknown(format!("{root}.{field}")))
        } else {
            Ok(None)
        };
    }
    let limits = |of: &IdedExpr| {
        path(of).and_then(|(root, level)| {
            Some((Meter::named(root)?, root.to_owned(), level.to_owned()))
        })
    };
    let (meter, root, level, name) = match (limits(operand), indexed(operand)) {
        (Some((meter, root, level)), _) => (meter, root, level, None),
        (None, Some((container, key))) => match limits(container) {
            Some((meter, root, level)) => (meter, root, level, Some(literal(key)?)),
            None => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    let path = format!("{root}.{level}");
    let level = Level::named(&level).ok_or_else(|| ConditionError::UnknownLevel(path.clone()))?;
    let member = meter.member(field);
    let member = member.ok_or_else(|| unknown(format!("{path}.{field}")))?;
    let limit = Limit { meter, level, name };
    Ok(Some(Node::Usage(Box::new(limit), member)))
}

/// Whether `has()` of it is true whatever the request is; what is left may be nothing.
pub(super) fn is_always_there(node: &Node) -> bool {
    !matches!(
        node,
        Node::Usage(_, Member::Remaining) | Node::Fact(Fact::Cost)
    )
}

/// `root.field`, where the root is a variable.
fn path(expression: &IdedExpr) -> Option<(&str, &str)> {
    let Expr::Select(select) = &expression.expr else {
        return None;
    };
    let Expr::Ident(root) = &select.operand.expr else {
        return None;
    };
    Some((root, &select.field))
}

/// `container[key]`
fn indexed(expression: &IdedExpr) -> Option<(&IdedExpr, &IdedExpr)> {
    let Expr::Call(call) = &expression.expr else {
        return None;
    };
    match call.args.as_slice() {
        [container, key] if call.func_name == operators::INDEX => Some((container, key)),
        _ => None,
    }
}

/// The name of a limit.
#[expect(clippy::wildcard_enum_match_arm, reason = "only a text is a name")]
fn literal(key: &IdedExpr) -> Result<Box<str>, ConditionError> {
    match &key.expr {
        Expr::Literal(LiteralValue::String(name)) if is_name(name.inner()) => {
            Ok(name.inner().into())
        }
        _ => Err(ConditionError::LimitName),
    }
}

fn unknown(name: String) -> ConditionError {
    ConditionError::UnknownMember(name)
}
