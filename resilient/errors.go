package resilient

import "github.com/sepwatch/sepwatch/internal/remote"

// Class says what a failure means for the caller. Only Ambiguous leaves open
// whether something was changed; after every other class nothing was.
type Class = remote.Class

// The classes of failure.
const (
	// Temporary may go away by itself: a 5xx on a read, a lost answer.
	Temporary = remote.Temporary
	// Permanent is the answer to this request and will not change; a 404 too
	// (§1.6), which is [ErrNotFound] besides.
	Permanent = remote.Permanent
	// NotFound is a row that is not there any more, while its incident and its
	// table are. It is [ErrNotFound] besides.
	NotFound = remote.NotFound
	// Unauthorized is a wrong, blocked or banned API key or user (§1.6), or a
	// connect that failed for good. Trying again fast can prolong a ban (§11.3).
	Unauthorized = remote.Unauthorized
	// Throttled is a 429.
	Throttled = remote.Throttled
	// Conflict is somebody else's change in between; a [*FieldConflict] is its
	// cause where Resilient says which.
	Conflict = remote.Conflict
	// Unreachable is a request that was certainly not sent: name, dial or TLS.
	Unreachable = remote.Unreachable
	// Untrusted is a certificate that was not accepted; nothing was sent.
	Untrusted = remote.Untrusted
	// Ambiguous is a change that may have been made: the answer was lost, or
	// was a 5xx.
	Ambiguous = remote.Ambiguous
)

// What errors.Is can ask of an [*Error]. ErrNotFound is a 404 or a 410, whose
// class is Permanent or NotFound.
var (
	ErrNotFound     = remote.ErrNotFound
	ErrConflict     = remote.ErrConflict
	ErrUnauthorized = remote.ErrUnauthorized
	ErrThrottled    = remote.ErrThrottled
)

// Error is a request that failed. Its Code is Resilient's error_code, usually
// "generic" (§1.6).
type Error = remote.Error
