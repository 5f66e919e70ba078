//! The run: start what is needed, measure one thing after the other, judge.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum as _;

use crate::book::Book;
use crate::bounds::{add_errors, is_broken};
use crate::plan::Plan;
use crate::report::Report;
use crate::say;
use crate::scenario::Scenario;
use crate::world::World;

/// Measures all that is wanted. The exit code says whether every bound was about kept and everything could be measured; of a short run no figure
/// means anything, so that it fails only for what could not be measured.
pub(crate) async fn run(plan: Plan) -> Result<ExitCode> {
    let world = World::start(plan)?;
    let plan = &world.plan;
    let wanted = |scenario: &&Scenario| plan.only.is_empty() || plan.only.contains(scenario);
    let mut book = Book::default();
    for scenario in Scenario::value_variants().iter().filter(wanted) {
        let name = scenario.to_possible_value();
        let name = name
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default();
        say(&format!("{name} .."));
        if let Err(error) = scenario.run(&world, &mut book).await {
            say(&format!("{name}: {error:#}"));
            book.miss(name, &error);
        }
    }
    add_errors(&mut book);
    let report = Report::of(book, plan);
    report.save(&plan.results)?;
    if let Some(page) = &plan.markdown {
        report.renew(page)?;
    }
    say(&report.markdown());
    let is_good = report.problems.is_empty() && (plan.short || !is_broken(&report.bounds));
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
