// Package resilient speaks the REST API of IBM Resilient (QRadar SOAR): it
// opens, finds, changes and closes incidents, and keeps their artifacts,
// notes, attachments and table rows.
//
// Every failure is an [*Error] whose [Class] says whether trying again can
// help and whether a change may have been made. A write whose answer was lost
// is [Ambiguous] and is never repeated here: [Client.FindIncidents],
// [Client.Artifacts], [Client.Notes], [Client.Attachments] and [Client.Rows]
// are there to look what became of it. Reads are repeated once inside when a
// kept-alive connection turns out to be dead.
//
// A write takes no longer than [Options].Timeout in all, the connect before it
// included, so that a caller knows when a lost one has ended.
//
// Section numbers in the comments are those of the project's contract of
// Resilient's API.
package resilient
