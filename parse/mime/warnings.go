package mime

import (
	"fmt"
	"strings"
)

// MaxWarnings is how many warnings are kept, so that one more says how many
// are not.
const MaxWarnings = 20

// maxQuote is how many bytes of a mail a warning repeats.
const maxQuote = 80

// Warnings collects what was not understood of a mail: at most twenty texts,
// and a count of the rest, because their number is in the sender's hands.
type Warnings struct {
	list []string
	more int
}

// Add adds a warning. What it repeats of a mail goes through [Quote].
func (w *Warnings) Add(format string, args ...any) {
	if len(w.list) == MaxWarnings {
		w.more++
		return
	}
	w.list = append(w.list, fmt.Sprintf(format, args...))
}

// Merge adds the warnings of another reading.
func (w *Warnings) Merge(other Warnings) {
	for _, text := range other.list {
		w.Add("%s", text)
	}
	w.more += other.more
}

// Texts gives the warnings, and a last one for those that were only counted.
// It is never nil.
func (w *Warnings) Texts() []string {
	texts := append([]string{}, w.list...)
	if w.more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more warnings", w.more))
	}
	return texts
}

// Quote shows a piece of a mail in a warning: short, and with everything
// escaped that could disturb a terminal or a log.
func Quote(s string) string {
	if short := Cut(s, maxQuote); short != s {
		return fmt.Sprintf("%+q…", short)
	}
	return fmt.Sprintf("%+q", s)
}

// Cut returns at most n bytes of s, never half a character, and does not
// hold on to the rest.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(strings.ToValidUTF8(s[:n], ""))
}
