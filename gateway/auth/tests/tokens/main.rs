//! Tokens from scripted servers: what is sent to them, what their answers become, and how a keeper bears with them. Time stands still but
//! for what is waited for.

#![cfg(test)]

mod aws;
mod configure;
mod entra;
mod google;
mod issuers;
mod keeper;
mod outage;
mod script;
mod secrets;
mod socket;
