package pipeline_test

import (
	"fmt"
	"testing"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// Histories that went wrong once, or that chance comes to too seldom.
func TestHistoryOf(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, history := range map[string][]step{
		"a file that changed while it was in doubt": {
			{"alert", 0, 0}, {"settle", 0, 0}, {"fault", 5, 0}, {"attachment", 0, 0}, {"pause", 3, 0}, {"attachment", 0, 0},
		},
		"an update of a row that comes after a later one": {
			{"alert", 0, 0}, {"row", 0, 0}, {"settle", 0, 0}, {"fault", 4, 1}, {"row", 0, 0}, {"pause", 3, 0}, {"row", 0, 0}, {"settle", 0, 0},
		},
		"an artifact that changed after it arrived": {
			{"alert", 0, 0}, {"artifact", 0, 0}, {"settle", 0, 0}, {"artifact", 0, 0},
		},
		"an artifact that changed after somebody took it off": {
			{"alert", 0, 0}, {"settle", 0, 0}, {"artifact", 0, 0}, {"settle", 0, 0}, {"take off there", 0, 0}, {"artifact", 0, 0},
		},
		"a row that changed after somebody took it off": {
			{"alert", 0, 0}, {"settle", 0, 0}, {"row", 0, 0}, {"settle", 0, 0}, {"take off there", 0, 1}, {"row", 0, 0},
		},
		"an artifact that is refused": {
			{"fault", 0, 5}, {"fault", 1, 5}, {"alert", 0, 0}, {"settle", 0, 0},
		},
		"pieces in doubt on an incident that is deleted": {
			{"alert", 0, 0}, {"settle", 0, 0}, {"fault", 3, 0}, {"row", 0, 0}, {"pause", 3, 0}, {"delete there", 0, 0}, {"alert", 0, 0},
		},
		"a second incident that a late create opens after the first was deleted": {
			{"fault", 0, 1}, {"alert", 0, 0}, {"pause", 7, 0}, {"pause", 7, 0}, {"pause", 7, 0}, {"pause", 7, 0}, {"pause", 7, 0},
			{"delete there", 0, 0}, {"alert", 0, 0},
		},
		"an incident that is opened again while its successor is in doubt": {
			{"alert", 0, 0}, {"settle", 0, 0}, {"close there", 0, 0}, {"fault", 0, 0}, {"alert", 0, 0}, {"pause", 7, 0}, {"pause", 3, 0}, {"reopen there", 0, 0},
		},
	} {
		for _, duplicates := range []soar.Duplicates{soar.ReturnExisting, soar.KeepDuplicate} {
			t.Run(fmt.Sprint(name, duplicates), func(t *testing.T) {
				t.Parallel()
				happen(t, t, s, soar.Options{KeyField: true, Duplicates: duplicates}, history)
			})
		}
	}
}
