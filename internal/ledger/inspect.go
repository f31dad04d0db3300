package ledger

// Inspection is what the engines' Inspect finds of a ledger.
type Inspection struct {
	// Version is that of the ledger's tables, 0 where they are not made yet,
	// and Known the newest one that this sepwatch knows, to which it brings
	// them when it starts.
	Version, Known int64
	// Held says that a running sepwatch has the ledger, which on PostgreSQL
	// is one with the same node's name.
	Held bool
	// Mails is the number of mails in it.
	Mails int64
}

// Flaw is why a sepwatch that started now could not work with a ledger.
type Flaw struct {
	Problem string
	// Hint says what a person can do about it, empty if nothing is known.
	Hint string
	// Err is the cause, nil where the ledger itself is at fault.
	Err error
}

func (f *Flaw) Error() string {
	if f.Hint == "" {
		return f.Problem
	}
	return f.Problem + ": " + f.Hint
}

// Unwrap gives the cause.
func (f *Flaw) Unwrap() error { return f.Err }
