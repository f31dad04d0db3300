// Package sepclient speaks the REST API of Symantec Endpoint Protection
// Manager (SEPM) 14.2 and later.
//
// A [Client] logs in by itself when it first needs to, keeps the token, and
// logs in again before the token ends or once when SEPM refuses it. What SEPM
// answers comes back typed; everything outside the contract comes back as an
// [*Error], whose [Class] says whether trying again can help and whether a
// change may have been made.
//
// Reads are repeated once inside when a kept-alive connection turns out to be
// dead, and an edit of a fingerprint list is written anew when somebody else
// wrote over it. Nothing else is repeated: pace and retries belong to the
// caller.
//
// What SEPM may add to its words, such as a state, an action or a kind of
// policy, is kept as it is written. Times are in UTC.
//
// Section numbers in the comments are those of the project's contract of
// SEPM's API.
package sepclient
