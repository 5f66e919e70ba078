//! Operators and functions: which exist, what they take, and the patterns of `matches()`.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use regex::{Regex, RegexBuilder};

use super::Lowering;
use crate::ConditionError;
use crate::node::{Arithmetic, Comparison, Conversion, Node, Search};
use crate::scan::HAS;

/// Largest compiled pattern, in bytes, and largest cache of its lazy automaton. Tenants write patterns, a gateway may hold thousands.
const MAX_PATTERN_BYTES: usize = 128 * 1024;

impl Lowering {
    pub(super) fn call(&mut self, call: &CallExpr) -> Result<Node, ConditionError> {
        let name = call.func_name.as_str();
        match (call.target.as_deref(), call.args.as_slice()) {
            (None, [a, b, c]) if name == operators::CONDITIONAL => Ok(Node::Choose(Box::new([
                self.truth(a)?,
                self.node(b)?,
                self.node(c)?,
            ]))),
            (None, [a]) => self.unary(name, a),
            (None, [a, b]) => self.binary(name, a, b),
            (Some(a), []) => self.function(name, a),
            (Some(a), [b]) => self.method(name, a, b),
            _ => Err(unknown(name)),
        }
    }

    fn unary(&mut self, name: &str, operand: &IdedExpr) -> Result<Node, ConditionError> {
        match name {
            operators::LOGICAL_NOT => Ok(Node::Not(Box::new(self.truth(operand)?))),
            operators::NEGATE => Ok(Node::Negate(Box::new(self.node(operand)?))),
            HAS => self.has(operand),
            _ => self.function(name, operand),
        }
    }

    /// A function of one value: `size(a)`, which may also be written `a.size()`, and the conversions.
    fn function(&mut self, name: &str, operand: &IdedExpr) -> Result<Node, ConditionError> {
        let function: fn(Box<Node>) -> Node = match name {
            "size" => Node::Size,
            "int" => |node| Node::Convert(Conversion::Int, node),
            "double" => |node| Node::Convert(Conversion::Double, node),
            "string" => |node| Node::Convert(Conversion::Text, node),
            _ => return Err(unknown(name)),
        };
        Ok(function(Box::new(self.node(operand)?)))
    }

    fn has(&mut self, operand: &IdedExpr) -> Result<Node, ConditionError> {
        if let Expr::Select(select) = &operand.expr {
            return self.has_field(&select.operand, &select.field);
        }
        if let Expr::Call(call) = &operand.expr
            && call.func_name == operators::INDEX
            && let [container, key] = call.args.as_slice()
        {
            return Ok(Node::Has(self.pair(container, key)?));
        }
        Err(ConditionError::Syntax(
            "has() takes a field, such as has(request.params.user)".to_owned(),
        ))
    }

    fn binary(&mut self, name: &str, a: &IdedExpr, b: &IdedExpr) -> Result<Node, ConditionError> {
        match name {
            operators::LOGICAL_AND => Ok(Node::And(Box::new([self.truth(a)?, self.truth(b)?]))),
            operators::LOGICAL_OR => Ok(Node::Or(Box::new([self.truth(a)?, self.truth(b)?]))),
            operators::INDEX => Ok(Node::Index(self.pair(a, b)?)),
            operators::IN => Ok(Node::In(self.pair(a, b)?)),
            "matches" => self.matches(a, b),
            _ => {
                if let Some(comparison) = comparison(name) {
                    return Ok(Node::Compare(comparison, self.pair(a, b)?));
                }
                let arithmetic = arithmetic(name).ok_or_else(|| unknown(name))?;
                Ok(Node::Compute(arithmetic, self.pair(a, b)?))
            }
        }
    }

    fn method(
        &mut self,
        name: &str,
        target: &IdedExpr,
        argument: &IdedExpr,
    ) -> Result<Node, ConditionError> {
        let search = match name {
            "contains" => Search::Contains,
            "startsWith" => Search::StartsWith,
            "endsWith" => Search::EndsWith,
            "matches" => return self.matches(target, argument),
            _ => return Err(unknown(name)),
        };
        Ok(Node::Search(search, self.pair(target, argument)?))
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<Node, ConditionError> {
        let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
            return Err(ConditionError::PatternNotLiteral);
        };
        Ok(Node::Matches(
            Box::new(self.node(text)?),
            compile(pattern.inner())?,
        ))
    }
}

fn compile(pattern: &str) -> Result<Regex, ConditionError> {
    let mut builder = RegexBuilder::new(pattern);
    builder
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .nest_limit(32);
    builder.build().map_err(|error| {
        if let regex::Error::CompiledTooBig(_) = error {
            return ConditionError::BadPattern(
                "it is too large; repeat less, or write (?-u) for ASCII classes".to_owned(),
            );
        }
        // The last line says what is wrong; those before it draw a picture of where.
        let text = error.to_string();
        ConditionError::BadPattern(
            text.lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned(),
        )
    })
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn arithmetic(name: &str) -> Option<Arithmetic> {
    Some(match name {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}

/// A function that does not exist, or not with that many arguments. Comprehensions that the grammar did not take for such end here, too.
fn unknown(name: &str) -> ConditionError {
    match name {
        operators::ALL
        | operators::EXISTS
        | operators::EXISTS_ONE
        | "existsOne"
        | operators::MAP
        | operators::FILTER => ConditionError::Comprehension,
        "size" | "int" | "double" | "string" | HAS => {
            ConditionError::Syntax(format!("{}() takes one value", name.to_ascii_lowercase()))
        }
        "contains" | "startsWith" | "endsWith" | "matches" => {
            ConditionError::Syntax(format!("write {name}() as text.{name}(\"...\")"))
        }
        _ => ConditionError::UnknownName(format!("{name}()")),
    }
}
