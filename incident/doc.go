// Package incident is the vocabulary of sepwatch: the words that every room
// uses for a case, what hangs on it, and what is done about it.
//
// An [Incident] is opened for one or more events and stands here and in
// Resilient. On it hang [Artifact], [Row], [Note] and [Attachment] values.
// An action reads SEPM and returns [Step] values: each [Call] changes
// something at SEPM, and the [Effect] values are left on the incident.
//
// The package holds types and their rules only. It does no I/O and imports
// nothing of the project.
package incident
