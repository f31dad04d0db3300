package resilient

import (
	"html"
	"strings"

	"github.com/sepwatch/sepwatch/internal/remote"
)

const markerLabel = "sepwatch key: "

// Marker is the paragraph of HTML that holds an incident's key at the end of
// its description, where the custom field is not installed.
func Marker(key string) string {
	return "<p>" + html.EscapeString(markerLabel+oneLine(key)) + "</p>"
}

// markedKey is the key in a description's marker, or "" when there is none.
// Only the last line that looks like a marker counts: the text above it comes
// from mail, and must not pass for the marker of another incident.
func markedKey(description string) string {
	key := ""
	for line := range strings.Lines(remote.HTMLText(description)) {
		if rest, ok := strings.CutPrefix(oneLine(line), markerLabel); ok {
			key = rest
		}
	}
	return key
}

// oneLine is the text with every run of white space as one blank, which is
// what remains of it in HTML.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
