package incident

import (
	"fmt"
	"slices"
	"strings"
)

// Condition is a test of one cell of a row, in the terms that Resilient's
// rules have too. Text is compared without regard to case.
type Condition struct {
	Column string
	Test   Test
	// Values are those of the test: any of them is enough for [Contains] and
	// [Is], and none may be there for [Lacks] and [IsNot].
	Values []string
}

// Test is how a condition tests.
type Test string

// The tests.
const (
	HasValue Test = "has a value"
	Contains Test = "contains"
	Lacks    Test = "does not contain"
	Is       Test = "is"
	IsNot    Test = "is not"
)

// holds reports whether the row meets the condition.
func (c Condition) holds(r Row) bool {
	text := strings.ToLower(r.Cells[c.Column].String())
	contains := func(v string) bool { return strings.Contains(text, strings.ToLower(v)) }
	is := func(v string) bool { return text == strings.ToLower(v) }
	switch c.Test {
	case HasValue:
		return strings.TrimSpace(text) != ""
	case Contains:
		return slices.ContainsFunc(c.Values, contains)
	case Lacks:
		return !slices.ContainsFunc(c.Values, contains)
	case Is:
		return slices.ContainsFunc(c.Values, is)
	case IsNot:
		return !slices.ContainsFunc(c.Values, is)
	}
	return false
}

// String says what the condition asks for.
func (c Condition) String() string {
	if c.Test == HasValue {
		return c.Column + " has a value"
	}
	quoted := make([]string, len(c.Values))
	for i, v := range c.Values {
		quoted[i] = `"` + v + `"`
	}
	return fmt.Sprintf("%s %s %s", c.Column, c.Test, strings.Join(quoted, " or "))
}

// Offered says why the action cannot be started on the subject, nil where it
// can. It is the same for whoever starts it.
func (d ActionDef) Offered(s Subject) error {
	switch d.On {
	case OnIncident:
		if s != (Subject{}) {
			return fmt.Errorf("%s is started on an incident, not on a part of one", d.Name)
		}
	case OnArtifact:
		if s.Artifact == nil {
			return fmt.Errorf("%s is started on an artifact", d.Name)
		}
		if !slices.Contains(d.ArtifactTypes, s.Artifact.Type) {
			return fmt.Errorf("%s is not for an artifact of the type %q; it is for %s",
				d.Name, s.Artifact.Type, join(d.ArtifactTypes))
		}
	case OnRow:
		if s.Row == nil || s.Row.Table != d.Table {
			return fmt.Errorf("%s is started on a row of the table %s", d.Name, d.Table)
		}
		for _, c := range d.When {
			if !c.holds(*s.Row) {
				return fmt.Errorf("%s is not offered on this row: its condition is that %s, and there is %q",
					d.Name, c, s.Row.Cells[c.Column].String())
			}
		}
	}
	return nil
}

func join(types []ArtifactType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}
