// Package enrich holds the functions, each one call of SEPM, and the actions
// built on them: what sepwatch looks up in SEPM, and does there, for an
// incident.
//
// An action is a resumable plan. It may read SEPM as it goes; every request
// that changes something it gives back as a call, to be guarded, recorded and
// sent by the pipeline, and it is asked again with the answer, until it gives
// its effects. It never writes to Resilient. What it started on endpoints is
// followed to its end, see [Follow].
package enrich
