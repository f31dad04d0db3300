package parse

import (
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/mime"
)

// trace notes what each line of a text was read as. A nil trace notes
// nothing, which is how almost every mail is read.
type trace struct {
	lines []traced
	open  int // where the lines of the block begin that is being read
}

// traced is one line.
type traced struct {
	line  int
	what  string
	event int  // -1 for a line that belongs to none
	apart bool // it stands among the lines of a block and is none of them
}

// line notes a line that belongs to no event.
func (t *trace) line(n int, what string) {
	if t != nil {
		t.lines = append(t.lines, traced{line: n, what: what, event: -1, apart: true})
	}
}

// field notes a line of the block that is being read.
func (t *trace) field(n int, what string) {
	if t != nil {
		t.lines = append(t.lines, traced{line: n, what: what, event: -1})
	}
}

// close says what event the block has become, if it is one.
func (t *trace) close(event int, isEvent bool) {
	if t == nil {
		return
	}
	for i := range t.lines[t.open:] {
		switch l := &t.lines[t.open+i]; {
		case l.apart:
		case isEvent:
			l.event = event
		default:
			l.what += ", but too few labels stand here for an event"
		}
	}
	t.open = len(t.lines)
}

// reopen gives the last line of the block to the next one.
func (t *trace) reopen() {
	if t != nil && t.open > 0 {
		t.open--
		t.lines[t.open].event = -1
	}
}

// note gathers the traces of a mail's renderings; nil gathers nothing.
type note struct {
	texts []*tracedText
	files []ExplainedFile
	left  []LeftOut
}

// attached notes the files of a mail and of those attached to it.
func (n *note) attached(m *mime.Message) {
	if n == nil {
		return
	}
	for _, f := range m.Files {
		n.files = append(n.files, ExplainedFile(f))
	}
	for _, inner := range m.Attached {
		n.attached(inner)
	}
}

// leave says why a value became no artifact.
func (n *note) leave(event int, kind incident.ArtifactType, value, why string) {
	if n != nil && value != "" {
		n.left = append(n.left, LeftOut{Event: event, Type: string(kind), Value: value, Why: why})
	}
}

// tracedText is a rendering and what its lines were read as.
type tracedText struct {
	rendering
	trace
	used bool
}

// of begins the trace of a rendering.
func (n *note) of(r rendering) *trace {
	if n == nil {
		return nil
	}
	n.texts = append(n.texts, &tracedText{rendering: r})
	return &n.texts[len(n.texts)-1].trace
}

// use says that the events are those of the rendering that was read last.
func (n *note) use() {
	if n == nil {
		return
	}
	for i, t := range n.texts {
		t.used = i == len(n.texts)-1
	}
}
