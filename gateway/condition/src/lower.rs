//! From the grammar's tree to ours: every name resolved, every bound checked.
//!
//! Anything that cannot be lowered is an error of the author's, found at compile and shown in the rule's conditions.

mod call;
mod limit;

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use crate::node::{Comparison, Fact, Literal, Node};
use crate::{Condition, ConditionError};

/// Lowers a whole condition.
pub(crate) fn lower(expression: &IdedExpr) -> Result<Node, ConditionError> {
    let mut lowering = Lowering { nodes: 0, depth: 0 };
    lowering.truth(expression)
}

/// Counts on the way down.
struct Lowering {
    nodes: usize,
    depth: usize,
}

impl Lowering {
    /// Lowers an expression, within the bounds.
    fn node(&mut self, expression: &IdedExpr) -> Result<Node, ConditionError> {
        self.nodes += 1;
        self.depth += 1;
        if self.depth > Condition::MAX_DEPTH {
            return Err(ConditionError::TooDeep);
        }
        if self.nodes > Condition::MAX_NODES {
            return Err(ConditionError::TooLarge);
        }
        let node = self.expression(&expression.expr);
        self.depth -= 1;
        node
    }

    /// Lowers an expression that has to be true or false.
    fn truth(&mut self, expression: &IdedExpr) -> Result<Node, ConditionError> {
        let node = self.node(expression)?;
        node.never_boolean()
            .map_or(Ok(node), |what| Err(ConditionError::NotBoolean(what)))
    }

    fn pair(
        &mut self,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Box<[Node; 2]>, ConditionError> {
        Ok(Box::new([self.node(left)?, self.node(right)?]))
    }

    fn expression(&mut self, expression: &Expr) -> Result<Node, ConditionError> {
        match expression {
            Expr::Literal(literal) => constant(literal).map(Node::Literal),
            Expr::Ident(name) => Err(ConditionError::UnknownName(name.clone())),
            Expr::Select(select) => self.select(&select.operand, &select.field),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list
                .elements
                .iter()
                .map(|element| self.node(element))
                .collect::<Result<_, _>>()
                .map(Node::List),
            Expr::Comprehension(_) => Err(ConditionError::Comprehension),
            Expr::Map(_) => Err(ConditionError::Unsupported("map literals")),
            Expr::Struct(_) => Err(ConditionError::Unsupported("messages")),
            Expr::Unspecified => Err(ConditionError::Syntax(
                "an expression is missing".to_owned(),
            )),
        }
    }

    /// `operand.field`: a fact if the operand is a variable, else a member.
    fn select(&mut self, operand: &IdedExpr, field: &str) -> Result<Node, ConditionError> {
        if let Some(named) = limit::named(operand, field)? {
            return Ok(named);
        }
        match fact(operand, field)? {
            Some(fact) => Ok(Node::Fact(fact)),
            None => Ok(Node::Index(self.member(operand, field)?)),
        }
    }

    fn member(
        &mut self,
        operand: &IdedExpr,
        field: &str,
    ) -> Result<Box<[Node; 2]>, ConditionError> {
        Ok(Box::new([
            self.node(operand)?,
            Node::Literal(Literal::Text(field.to_owned())),
        ]))
    }

    /// `has(operand.field)`.
    fn has_field(&mut self, operand: &IdedExpr, field: &str) -> Result<Node, ConditionError> {
        if let Some(named) = limit::named(operand, field)? {
            let nothing = Node::Literal(Literal::Null);
            return Ok(if limit::is_always_there(&named) {
                Node::Literal(Literal::Bool(true))
            } else {
                Node::Compare(Comparison::NotEqual, Box::new([named, nothing]))
            });
        }
        match fact(operand, field)? {
            // Whether there is a team can be asked; that there is a model is known.
            Some(fact @ (Fact::TeamName | Fact::OrganizationName)) => {
                let nothing = Node::Literal(Literal::Text(String::new()));
                Ok(Node::Compare(
                    Comparison::NotEqual,
                    Box::new([Node::Fact(fact), nothing]),
                ))
            }
            Some(
                Fact::Headers
                | Fact::Model
                | Fact::Stream
                | Fact::Params
                | Fact::Operation
                | Fact::Needs(_)
                | Fact::InputTokens
                | Fact::Cost
                | Fact::KeyName
                | Fact::KeyNamespace,
            ) => Ok(Node::Literal(Literal::Bool(true))),
            None => Ok(Node::Has(self.member(operand, field)?)),
        }
    }
}

/// The fact that `operand.field` names, if the operand is a variable; variables are nothing but the start of such a name.
fn fact(operand: &IdedExpr, field: &str) -> Result<Option<Fact>, ConditionError> {
    let Expr::Ident(root) = &operand.expr else {
        return Ok(None);
    };
    Fact::named(root, field)
        .map(Some)
        .ok_or_else(|| ConditionError::UnknownName(format!("{root}.{field}")))
}

fn constant(literal: &LiteralValue) -> Result<Literal, ConditionError> {
    match literal {
        LiteralValue::Null => Ok(Literal::Null),
        LiteralValue::Boolean(value) => Ok(Literal::Bool(*value.inner())),
        LiteralValue::Int(value) => Ok(Literal::Int(*value.inner())),
        LiteralValue::UInt(value) => {
            i64::try_from(*value.inner())
                .map(Literal::Int)
                .map_err(|_| {
                    ConditionError::Syntax(
                        "an integer is larger than 9223372036854775807".to_owned(),
                    )
                })
        }
        LiteralValue::Double(value) => Ok(Literal::Double(*value.inner())),
        LiteralValue::String(value) => Ok(Literal::Text(value.inner().to_owned())),
        LiteralValue::Bytes(_) => Err(ConditionError::Unsupported("bytes literals")),
    }
}
