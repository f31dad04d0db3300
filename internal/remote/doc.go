// Package remote sends single requests to a REST API and says of each that
// failed what that means: above all whether a change may have been made.
//
// What the clients of SEPM and Resilient need alike is here: the sending, the
// [Class] of a failure, TLS and its advice, bounded bodies and safe texts.
// Paths, logins, paging, and what an API means by its statuses and bodies
// belong to its client.
package remote
