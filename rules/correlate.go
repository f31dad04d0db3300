package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse"
)

// View is the history that decisions ask. The ledger's transaction
// implements it, so that a decision and its record are one commit.
type View interface {
	// OpenIncidentIDs returns the ids of open incidents by their keys.
	OpenIncidentIDs(keys []string) (map[string]int64, error)
}

// Story is one incident's part of an alert.
type Story struct {
	// Key identifies the story.
	Key string
	// Joins is the id of the open incident with the key, 0 for a new one.
	Joins int64
	// Events are indexes of the alert's events. It is empty for an alert
	// whose body was not understood.
	Events []int
	// Incident, Artifacts and Runs describe what is opened when Joins is 0.
	Incident  incident.Incident
	Artifacts []incident.Artifact
	Runs      []incident.Run
}

// Correlate says which stories the open incidents tell already.
func Correlate(view View, stories []Story) ([]Story, error) {
	stories = slices.Clone(stories)
	keys := make([]string, len(stories))
	for i, s := range stories {
		keys[i] = s.Key
	}
	open, err := view.OpenIncidentIDs(keys)
	if err != nil {
		return nil, fmt.Errorf("look for open incidents of %d stories: %w", len(keys), err)
	}
	for i := range stories {
		stories[i].Joins = open[stories[i].Key]
	}
	return stories, nil
}

// Stories groups the events of an accepted alert: events with the same
// content are one story. An alert without events is one story of its own.
func (r *Rules) Stories(a parse.Alert, trust incident.Trust) []Story {
	if len(a.Events) == 0 {
		key := textKey(a)
		return []Story{{Key: key, Incident: describeText(a, key, trust), Artifacts: artifactsOf(a, -1)}}
	}
	var stories []Story
	index := make(map[string]int)
	for i, e := range a.Events {
		at, seen := index[e.Digest]
		if !seen {
			at = len(stories)
			index[e.Digest] = at
			runs := r.respond(e)
			stories = append(stories, Story{
				Key:       e.Digest,
				Incident:  r.describeEvent(a, i, trust, runs),
				Artifacts: artifactsOf(a, i),
				Runs:      runs,
			})
		}
		stories[at].Events = append(stories[at].Events, i)
	}
	return stories
}

// artifactsOf are the artifacts found in one event of the alert, or with -1
// in its text. Their values stay as they came, byte for byte, since they are
// what is searched for.
func artifactsOf(a parse.Alert, event int) []incident.Artifact {
	var found []incident.Artifact
	for _, artifact := range a.Artifacts {
		if artifact.Event == event {
			description := "From the SEPM alert"
			if artifact.Confidence == parse.LowConfidence {
				description = "Found in the text of the SEPM alert (low confidence)"
			}
			found = append(found, incident.Artifact{
				Type:        incident.ArtifactType(artifact.Type),
				Value:       artifact.Value,
				Description: description,
			})
		}
	}
	return found
}

// textKey identifies an alert without events by what it says, so that SEPM
// sending it again joins the incident. A notice about SEPM's own running is
// the same whenever it comes: a server that is in a poor way says so every few
// hours, with nothing changed but the time (contract: SEPM e-mail §1.4).
func textKey(a parse.Alert) string {
	subject, text := parse.BareSubject(a.Subject), strings.TrimSpace(a.Text)
	if a.Kind.Operational() {
		text = dates().ReplaceAllString(text, "")
	}
	h := sha256.New()
	fmt.Fprintf(h, "text 1\n%d\n%s\n%s", len(subject), subject, text)
	return hex.EncodeToString(h.Sum(nil))
}

// dates are the times in the notices of which the text is known.
var dates = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:[A-Z][a-z]{2} \d{1,2}, \d{4},?|\d{4}-\d{2}-\d{2})[ T\x{202f}]\d{1,2}:\d{2}:\d{2}(?:\.\d+)?(?:[ \x{202f}\x{a0}]?[AP]M)?(?: [A-Z]{3,4})?`)
})

// respond lists what starts by itself for an event: the details of its
// computer. The action only reads, so it needs no proof of the sender.
func (r *Rules) respond(e parse.Event) []incident.Run {
	if !r.lookups || e.Computer == "" {
		return nil
	}
	return []incident.Run{{
		Action:  incident.EndpointDetails,
		Subject: incident.Subject{Artifact: &incident.Artifact{Type: incident.SystemName, Value: e.Computer}},
	}}
}
