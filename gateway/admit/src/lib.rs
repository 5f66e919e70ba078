//! May this caller proceed? Keys now; limits and budgets later. Pure.
